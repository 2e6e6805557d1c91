"""The session cookie, and the headers that set and clear it, for the JSON API and the page."""

NAME = "__Host-portal"

_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"


def presented(cookie_header: str | None) -> str | None:
    """The session's secret in a request's Cookie header, or None."""
    # http.cookies stops at a malformed cookie, such as one with JSON that another site of this host has set.
    for pair in (cookie_header or "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == NAME:
            return value
    return None


def setting(secret: str) -> dict[str, str]:
    return {"set-cookie": f"{NAME}={secret}; {_ATTRIBUTES}"}


def clearing() -> dict[str, str]:
    """The headers of a log-out: the browser deletes the cookie, its cache and its storage."""
    return {
        "set-cookie": f"{NAME}=; Max-Age=0; {_ATTRIBUTES}",
        "clear-site-data": '"cache", "storage"',
    }
