"""Options of the commands, with types and bounds. A wrong value ends the command with code 2 and an error message."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from chassis.service.setting_types import Expected, HostAndPort, KafkaServers, Origin, ServiceUrl, postgres_parts

_API_KEY = re.compile(r"sk_(?:test|live)_[A-Za-z0-9_-]{43}")


def _of_type(kind: Any) -> Callable[[str | None], str | None]:
    adapter = TypeAdapter(kind)
    expected = next(one for one in kind.__metadata__ if isinstance(one, Expected))

    def checked(value: str | None) -> str | None:
        try:
            return None if value is None else str(adapter.validate_python(value))
        except ValidationError:
            raise typer.BadParameter(f"{value!r}; expected {expected.what}") from None

    return checked


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise typer.BadParameter("expected a finite number of seconds")
    return value


def _api_key(value: str | None) -> str | None:
    if value is not None and not _API_KEY.fullmatch(value):
        raise typer.BadParameter("expected a merchant's API key, sk_test_… or sk_live_… with 43 characters after it")
    return value


def _postgres_options(value: str) -> str:
    try:
        postgres_parts(f"postgresql://user@host/database?{value}" if value else "postgresql://user@host/database", complete=True)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; expected parameters of a PostgreSQL URL such as sslmode=verify-full") from None
    return value


FolderOption = Annotated[Path, typer.Option("--folder", envvar="PORTAL_FOLDER", help="Where the local stack keeps its files.")]
Detach = Annotated[bool, typer.Option("--detach", help="Return when everything is ready.")]
Wipe = Annotated[bool, typer.Option("--wipe", help="Delete all data too.")]
Bootstrap = Annotated[
    str | None,
    typer.Option("--kafka", help="Bootstrap servers, instead of KAFKA_BOOTSTRAP_SERVERS.", callback=_of_type(KafkaServers)),
]
PostgresAddress = Annotated[
    str,
    typer.Option("--postgres", help="Host and port of PostgreSQL.", callback=_of_type(HostAndPort)),
]
PostgresOptions = Annotated[
    str,
    typer.Option(help="The part after ? of PostgreSQL's URLs, such as sslmode=verify-full.", callback=_postgres_options),
]
PublicUrl = Annotated[
    str, typer.Option(help="An address for customers, as in the services' settings.", callback=_of_type(Origin))
]
Patience = Annotated[
    float,
    typer.Option(help="Seconds for relays and consumers to catch up.", min=0, max=86400, callback=_finite),
]
Limit = Annotated[int, typer.Option("--limit", help="Differences shown per invariant.", min=0)]
MerchantOption = Annotated[str | None, typer.Option(help="A merchant in state.json.")]
ApiKey = Annotated[
    str | None, typer.Option(envvar="PORTAL_API_KEY", help="A merchant's API key, instead of --merchant.", callback=_api_key)
]
GatewayUrl = Annotated[
    str | None,
    typer.Option("--url", help="The portal gateway, instead of the local stack's.", callback=_of_type(ServiceUrl)),
]
PaymentsUrl = Annotated[
    str | None,
    typer.Option("--url", help="The payments service, instead of the local stack's.", callback=_of_type(ServiceUrl)),
]
ServiceOrOperator = Annotated[
    str, typer.Argument(metavar="SERVICE", help="subscriptions, payments, invoicing, portal-gateway or operator.")
]
Sql = Annotated[bool, typer.Option("--sql", help="Print SQL for psql that creates the service's database and roles.")]
Seconds = Annotated[int | None, typer.Option(help="Seconds.", min=1)]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
