"""The secret address with which a customer enters the portal."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from portal_gateway.domain.access import LinkKind
from portal_gateway.domain.tokens import LinkToken, Peppers, encoded


@dataclass(frozen=True, slots=True)
class Addresses:
    """Creates the secrets of links and their URLs. The secret is in the fragment, so it appears in no request, log or Referer."""

    public_url: str
    peppers: Peppers

    def token(self, id: UUID, attempt: str | None, pepper: str) -> LinkToken:
        """A new random secret, or one derived from the idempotency key `attempt`: repetitions get the same one."""
        return self.peppers.derived(id, attempt, pepper) if attempt else LinkToken(id, encoded(secrets.token_bytes(32)))

    def invoice_url(self, token: LinkToken) -> str:
        """The URL of an invoice link, which can be used many times."""
        return f"{self.public_url.rstrip('/')}/enter?invoice#{token}"

    def url(self, token: LinkToken, kind: LinkKind) -> str:
        """A single-use link asks for a click first, so that link previews do not use it up."""
        query = "?continue" if kind == "session" else ""
        return f"{self.public_url.rstrip('/')}/enter{query}#{token}"


def may_return_to(url: str, merchant: Mapping[str, Any]) -> bool:
    """Whether the URL is on one of the merchant's sites: its return origins, or those of its terms and privacy pages."""
    branding = merchant.get("branding") or {}
    pages = (branding.get("terms_url"), branding.get("privacy_url"))
    allowed = {_origin(site) for site in (*pages, *merchant.get("return_origins", ())) if site}
    return _origin(url) in allowed - {None}


def _origin(url: str) -> str | None:
    """None for a URL that browsers must not be sent to."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    loopback = parts.hostname in ("127.0.0.1", "localhost")
    if parts.username is not None or parts.hostname is None or not url.isascii() or not url.isprintable():
        return None
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        return None
    return f"{parts.scheme}://{parts.hostname}:{port}"
