"""What an operator can set on the gateway, beside what every service has."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from chassis.settings import ServiceSettings
from portal_gateway.domain.tokens import Peppers


def _origin(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("an origin such as https://portal.example is needed")
    return f"{parts.scheme}://{parts.netloc}"


def _safe_origin(url: str) -> str:
    origin = _origin(url)
    if not origin.startswith("https://") and urlsplit(origin).hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError("over plain http a session or a card could be stolen: https is needed, but on loopback")
    return origin


def _peppers(peppers: SecretStr) -> SecretStr:
    Peppers(peppers.get_secret_value())
    return peppers


class GatewaySettings(ServiceSettings):
    public_url: Annotated[str, AfterValidator(_safe_origin)]
    """The origin under which browsers find the portal: https, or loopback."""
    subscriptions_url: str
    payments_url: str
    invoicing_url: str
    cards_url: Annotated[str, AfterValidator(_safe_origin)]
    """The origin of the card page, which the portal frames: https, or loopback."""
    streams_per_session: Annotated[int, Field(ge=1, le=100)] = 8
    """Open pages of one session that each process keeps up to date; a further one replaces the oldest."""
    link_pepper: Annotated[SecretStr, AfterValidator(_peppers)]
    """Keys of links' hashes, 32 characters or more each, apart by commas: the first makes new ones, all check old ones."""

    @model_validator(mode="after")
    def a_host_name_for_cards_alone(self) -> Self:
        if urlsplit(self.cards_url).hostname == urlsplit(self.public_url).hostname:
            raise ValueError("cookies ignore ports: the card page needs another host name than the portal's")
        return self
