"""The gateway's settings, besides those of every service."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo

from chassis.service.setting_types import Expected, SafeOrigin, ServiceUrl
from chassis.service.settings import ServiceSettings
from portal_gateway.domain.tokens import Peppers


def _another_host(url: str, info: ValidationInfo) -> str:
    # Cookies ignore ports.
    if urlsplit(url).hostname == urlsplit(info.data.get("public_url", "")).hostname:
        raise ValueError("has the host name of PUBLIC_URL")
    return url


def _peppers(peppers: SecretStr) -> SecretStr:
    try:
        Peppers(peppers.get_secret_value())
    except ValueError:
        raise ValueError("has a part with fewer than 32 characters") from None
    return peppers


class Settings(ServiceSettings):
    public_url: SafeOrigin
    """The origin under which browsers find the portal: https, or loopback."""
    subscriptions_url: ServiceUrl
    """The URL of the API of subscriptions."""
    payments_url: ServiceUrl
    """The URL of the API of payments."""
    invoicing_url: ServiceUrl
    """The URL of the API of invoicing."""
    cards_url: Annotated[
        SafeOrigin,
        AfterValidator(_another_host),
        Expected("an origin such as https://cards.example with a host name of its own; plain http only on loopback"),
    ]
    """The origin of the card page, which the portal frames: https, or loopback."""
    streams_per_session: Annotated[int, Field(ge=1, le=100), Expected("a whole number from 1 to 100")] = 8
    """Open pages of one session that each process keeps up to date; a further one replaces the oldest."""
    link_pepper: Annotated[
        SecretStr, AfterValidator(_peppers), Expected("secrets of at least 32 characters, separated by commas", secret=True)
    ]
    """Keys of links' hashes, separated by commas: the first makes new hashes, all check old ones."""
