"""The settings of this service, in addition to those of every service."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from chassis.service.setting_types import Expected, Host, Origin, Port, SafeOrigin
from chassis.service.settings import ServiceSettings


def _another_port(port: int, info: ValidationInfo) -> int:
    if port == info.data.get("http_port"):
        raise ValueError("is the HTTP_PORT too")
    return port


def _real_money(provider: str, info: ValidationInfo) -> str:
    if provider == "sandbox" and info.data.get("environment") == "production":
        raise ValueError("takes no real money and does not start in production")
    return provider


class Settings(ServiceSettings):
    cards_url: SafeOrigin
    """The card page's own origin: another host name than the portal's."""
    cards_http_port: Annotated[Port, AfterValidator(_another_port)]
    """The port on which the card page listens: another one than HTTP_PORT."""
    cards_http_host: Host = "localhost"
    """The address on which the card page listens. `localhost` are both loopback addresses."""
    portal_origin: Origin
    """The only origin that may frame the card page."""
    provider: Annotated[
        Literal["sandbox"], AfterValidator(_real_money), Expected("sandbox, and ENVIRONMENT=local or staging with it")
    ] = "sandbox"
    provider_seconds: Annotated[
        float, Field(ge=0.1, le=60, allow_inf_nan=False), Expected("a number of seconds from 0.1 to 60")
    ] = 5
    """How long the provider may take to answer before a charge's outcome counts as unknown."""
    first_check_seconds: Annotated[
        float, Field(ge=0.1, le=300, allow_inf_nan=False), Expected("a number of seconds from 0.1 to 300")
    ] = 1
    """Until an unknown outcome is checked for the first time; then twice as long after each time, up to 300."""
