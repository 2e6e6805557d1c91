"""Checks of every request before routing (host and origin), and the security headers of every response."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http import security_events
from chassis.http.problems import Problem
from chassis.http.requests import duplicated
from portal_gateway.domain.tokens import LinkToken

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_BY_KEY = "/v1/"
"""Called with a merchant's key, which browsers never add automatically: no origin check."""
_TOKEN_CHARACTERS_MIN = 80
"""Nearly every address is shorter than a link's token."""
_PROGRAMS = ("/api/", "/v1/")
"""Called by programs, which get no page."""


class Guard:
    def __init__(self, app: ASGIApp, *, public_url: str, cards_url: str) -> None:
        self._app, self._public_url = app, public_url.rstrip("/")
        self._host = urlsplit(self._public_url).netloc
        headers = security_headers(self._public_url, cards_url)
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                set_by_route = {name for name, _ in message["headers"]}
                defaults = [header for header in self._headers if header[0] not in set_by_route]
                message = {**message, "headers": [*message["headers"], *defaults]}
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None and is_link(scope):
            scope = {**scope, "path": "/enter"}
        await (refusal or self._app)(scope, receive, send_secured)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers, path = Headers(scope=scope), scope["path"]
        hosts = headers.getlist("host")
        if len(hosts) > 1:
            return duplicated(b"host").response()
        if hosts != [self._host]:
            if scope["method"] not in ("GET", "HEAD"):
                return Problem(421, "misdirected_request", "This is another host").response()
            query = scope["query_string"].decode("latin-1")
            # The raw path: a decoded one could inject another header.
            raw = scope.get("raw_path", b"/").decode("latin-1")
            return RedirectResponse(f"{self._public_url}/{raw.lstrip('/')}" + (f"?{query}" if query else ""), 308)
        if scope["method"] not in _SAFE and not path.startswith(_BY_KEY) and not same_origin(headers, self._public_url):
            # Report no path: no route is matched yet, and the path may contain a secret.
            security_events.emit("authorization", scope, code="cross_origin", status=403)
            return Problem(403, "cross_origin", "The request does not come from this site").response()
        return None


def is_link(scope: Scope) -> bool:
    """Whether the address is a portal link that a mail program has changed: the token, which belongs into the fragment, is in
    the path or the query, or has additional characters. The page at /enter repairs the address."""
    if scope["method"] not in ("GET", "HEAD") or scope["path"].startswith(_PROGRAMS):
        return False
    path, query = scope["path"], scope["query_string"].decode("latin-1")
    if path.startswith("/enter"):
        return True
    if len(path) + len(query) < _TOKEN_CHARACTERS_MIN or not ("." in path or "." in query or "%2" in query):
        return False
    return LinkToken.read(f"{path}?{query}") is not None


def same_origin(headers: Mapping[str, str], origin: str) -> bool:
    """Whether the browser reports that one of our pages sends the request: by Fetch Metadata, or else by the exact Origin."""
    site = headers.get("sec-fetch-site")
    return site == "same-origin" if site is not None else headers.get("origin") == origin


def security_headers(public_url: str, cards_url: str) -> dict[str, str]:
    """The headers of every response. A route that needs another value sets its own."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "font-src": "'self'",
        "connect-src": "'self'",
        "frame-src": cards_url,
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    headers = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "cache-control": "no-store",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex, nofollow",
    }
    if public_url.startswith("https://"):
        headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"
    return headers
