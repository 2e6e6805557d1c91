"""The unique, secure address that a merchant hands to its customer."""

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
    """Makes links' secrets, and the URLs that carry them: in the fragment, so in no request, log or Referer."""

    public_url: str
    peppers: Peppers

    def token(self, id: UUID, attempt: str | None, pepper: str) -> LinkToken:
        """A new secret; under an idempotency key, `attempt`, the same one again."""
        return self.peppers.derived(id, attempt, pepper) if attempt else LinkToken(id, encoded(secrets.token_bytes(32)))

    def url(self, token: LinkToken, kind: LinkKind) -> str:
        """A link for one use waits for a click, lest whatever only looks at pages uses it up."""
        waits = "?continue" if kind == "session" else ""
        return f"{self.public_url.rstrip('/')}/enter{waits}#{token}"


def may_return_to(url: str, merchant: Mapping[str, Any]) -> bool:
    """Whether the portal may lead back there: to sites that the merchant named, or has its terms and privacy pages on."""
    branding = merchant.get("branding") or {}
    pages = (branding.get("terms_url"), branding.get("privacy_url"))
    own = {_origin(site) for site in (*pages, *merchant.get("return_origins", ())) if site}
    return _origin(url) in own - {None}


def _origin(url: str) -> str | None:
    """None for what no browser should be sent to."""
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
