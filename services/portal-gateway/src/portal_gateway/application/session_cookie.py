"""The session cookie, and the headers that set and clear it, for the JSON API and the page."""

NAME = "__Host-portal"
INVOICE_NAME = "__Host-invoice"
"""Of a session that is limited to one invoice. A browser can have both, also of different customers."""

_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"


def presented(cookie_header: str | None, cookie: str = NAME) -> str | None:
    """The session's secret in a request's Cookie header, or None."""
    # http.cookies stops at a malformed cookie, such as one with JSON that another site of this host has set.
    for pair in (cookie_header or "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == cookie:
            return value
    return None


def setting(secret: str, cookie: str = NAME) -> dict[str, str]:
    return {"set-cookie": f"{cookie}={secret}; {_ATTRIBUTES}"}


def clearing_invoice() -> dict[str, str]:
    """The headers with which the browser deletes the cookie of an invoice session, and no data of the portal."""
    return {"set-cookie": f"{INVOICE_NAME}=; Max-Age=0; {_ATTRIBUTES}", "clear-site-data": '"cache"'}


def clearing() -> dict[str, str]:
    """The headers of a log-out: the browser deletes the cookie, its cache and its storage."""
    return {
        "set-cookie": f"{NAME}=; Max-Age=0; {_ATTRIBUTES}",
        "clear-site-data": '"cache", "storage"',
    }
