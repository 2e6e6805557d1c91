"""`portalctl keys`: rotate the keys of a deployment while it runs."""

import asyncio
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from chassis.service.settings import SettingsError, read_settings
from portalctl import key_rotation, secret_files
from portalctl.arguments import AsJson, Yes
from portalctl.local.errors import StackError
from portalctl.local.folder import Folder
from portalctl.local.keys import Keys
from portalctl.local.lifecycle import is_up
from portalctl.local.locks import Held, held
from portalctl.local.state import read_state, update_state
from portalctl.settings import Settings
from portalctl.terminal import exit_on_error, say

_FILES_SECONDS = 10.0
"""Services look at their files every second. Those of a deployment that runs elsewhere cannot be queried."""
_CALL_SECONDS = 30.0
"""Longer than a service waits for another one's response, so no request with a token of the old key is under way."""
_REPEATABLE_SECONDS = 24 * 3600
"""How long a request may be repeated under its Idempotency-Key."""
_EXIT_CODES = "Exit codes: 0 done, 1 failed or not confirmed, 2 an unknown name or a step out of order."

keys_app = typer.Typer(
    help=f"""Rotate the keys of this folder's secrets.json, and the files that services read, while the services run.

    For each key: `new`, `rotate`, for the key-encryption key `rewrap`, then `retire`. docs/keys.md explains each key.
    {_EXIT_CODES}
    """,
    no_args_is_help=True,
)

Names = Annotated[list[str], typer.Argument(metavar="KEY...", help="Names from `keys list`, or all.")]


@keys_app.command("list", epilog=_EXIT_CODES)
def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """List the keys: name, ids of the live ones (the one in use first), time of the last step, next step."""
    with exit_on_error():
        keys = _stored(context.obj)
        _print(keys, keys.names, as_json)


@keys_app.command(epilog=_EXIT_CODES)
def new(context: typer.Context, names: Names, yes: Yes = False, as_json: AsJson = False) -> None:
    """Add a second key to each, which services accept and do not use yet."""
    _step(context.obj, "new", names, yes, as_json)


@keys_app.command(epilog=_EXIT_CODES)
def rotate(context: typer.Context, names: Names, yes: Yes = False, as_json: AsJson = False) -> None:
    """Use the new key of each. The old one stays valid."""
    _step(context.obj, "rotate", names, yes, as_json)


@keys_app.command(epilog=_EXIT_CODES)
def retire(context: typer.Context, names: Names, yes: Yes = False, as_json: AsJson = False) -> None:
    """Remove the old key of each. What it made is refused from then on."""
    _step(context.obj, "retire", names, yes, as_json)


@keys_app.command(epilog=_EXIT_CODES)
def rewrap(context: typer.Context, yes: Yes = False, as_json: AsJson = False) -> None:
    """Wrap every data key of invoicing and payments by the key-encryption key in use, in batches. A repetition continues.

    INVOICING_DATABASE_URL and PAYMENTS_DATABASE_URL name the databases of a deployment that was not started here.
    """
    from portalctl import keys_in_use

    with exit_on_error(), _alone(context.obj):
        live = _stored(context.obj).live("key-encryption-key")
        if not yes:
            typer.confirm(f"Wrap all data keys by {key_rotation.id_of(live[0])}?", abort=True, err=True)
        done, failures = 0, list[str]()
        for of in keys_in_use.WRAPPED_KEYS:
            try:
                done += asyncio.run(keys_in_use.rewrap(_database(context.obj, of.database), live, of))
            except StackError as error:
                failures.append(str(error))
        if failures:
            raise StackError("; ".join(failures))
    say(json.dumps({"rewrapped": done}) if as_json else f"{done} data keys rewrapped")


def _step(folder: Folder, step: str, arguments: list[str], yes: bool, as_json: bool) -> None:
    with exit_on_error(), _alone(folder):
        keys = _stored(folder)
        names = key_rotation.named(keys, arguments)
        key_rotation.stepped(keys, step, names, _now())
        if not secret_files.places_of_keys(folder, keys) and is_up(folder):
            raise StackError("an earlier version started this stack, without files for keys: stop it, and start it again")
        # An interrupted command may have stored keys that it did not write.
        repaired_at = time.time() if secret_files.write_keys(folder, keys) else 0.0
        if step != "new":
            _wait_until_read(folder, keys, max(repaired_at, *(time.time() - _age_seconds(keys, name) for name in names)))
        if step == "retire" and (calls := [name for name in names if keys.is_of_service(name)]):
            time.sleep(max(0.0, _CALL_SECONDS - min(_age_seconds(keys, name) for name in calls)))
        for name in names:
            typer.echo(f"{name}: {key_rotation.EFFECTS[step]}{_consequence(folder, keys, step, name)}", err=True)
        if not yes:
            typer.confirm("Continue?", abort=True, err=True)
        # The time of the step is that of its files: the answer may have taken long.
        changed = key_rotation.stepped(keys, step, names, _now())
        _write(folder, keys, changed)
        _print(changed, names, as_json)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _write(folder: Folder, keys: Keys, changed: Keys) -> None:
    """Store the keys, write the files, and wait until the services of a stack that runs here have read them."""
    changed.store(folder)
    secret_files.write_keys(folder, changed)
    if changed.operator_key != keys.operator_key and read_state(folder):
        update_state(folder, operator_key=changed.operator_key)
    if is_up(folder):
        _wait_until_read(folder, changed, time.time())


def _consequence(folder: Folder, keys: Keys, step: str, name: str) -> str:
    """What else the step does. Raises SettingsError if the old key is still needed."""
    from portalctl import keys_in_use

    if (step, name) == ("rotate", "operator-key"):
        return "; `portalctl env operator` shows it"
    if (step, name) == ("retire", "cursor-key") and _age_seconds(keys, name) < _REPEATABLE_SECONDS:
        return "; a merchant's registration of the last 24 hours that is repeated registers another merchant"
    if (step, name) == ("retire", "link-pepper"):
        old = keys.others[name]["value"]
        return f" ({asyncio.run(keys_in_use.links_with(_database(folder, 'portal_gateway'), old))} links that work now)"
    if (step, name) == ("retire", "key-encryption-key"):
        first = keys.first(name)
        left = sum(
            asyncio.run(keys_in_use.data_keys_without(_database(folder, of.database), first, of))
            for of in keys_in_use.WRAPPED_KEYS
        )
        if left:
            raise SettingsError([f"{left} data keys are not wrapped by the new {name}: `portalctl keys rewrap` wraps them"])
    return ""


def _age_seconds(keys: Keys, name: str) -> float:
    """The time since the latest step of a rotation."""
    return time.time() - datetime.fromisoformat(keys.others[name]["since"]).timestamp()


def _wait_until_read(folder: Folder, keys: Keys, since: float) -> None:
    """Wait until services use the files of that time: a stack that runs here is queried, another one gets a fixed time."""
    from portalctl import keys_in_use

    if is_up(folder):
        asyncio.run(keys_in_use.wait_until_read(read_state(folder).get("admin_urls", {}), since))
    elif keys.files:
        time.sleep(max(0.0, since + _FILES_SECONDS - time.time()))


def _database(folder: Folder, name: str) -> str:
    from verify.sources import databases_of, variable_of

    settings = read_settings(Settings)
    own = getattr(settings, variable_of(name).lower())
    return own.get_secret_value() if own else databases_of(read_state(folder), settings)[name]


def _stored(folder: Folder) -> Keys:
    keys = Keys.stored_in(folder)
    if not keys.services:
        raise StackError(f"{folder.secrets} has no keys: `portalctl up` or `portalctl secrets` creates them")
    return keys


@contextmanager
def _alone(folder: Folder) -> "Iterator[None]":
    """While no other `portalctl keys` changes this folder."""
    try:
        with held(folder.root / "keys.lock"):
            yield
    except Held:
        raise StackError("another `portalctl keys` runs in this folder") from None


def _print(keys: Keys, names: Iterable[str], as_json: bool) -> None:
    described = [key_rotation.described(keys, name) for name in names]
    if as_json:
        say(json.dumps({"keys": described}))
        return
    for key in described:
        say("\t".join([key["name"], ",".join(key["ids"]), key["since"] or "-", f"next: {key['next']}"]))
