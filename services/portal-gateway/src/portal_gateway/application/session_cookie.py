"""The one cookie, and the headers that set and clear it. Both the JSON API and the page use these."""

NAME = "__Host-portal"

_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"


def presented(cookie_header: str | None) -> str | None:
    """The session's secret in a request's Cookie header, if there is one."""
    # not with http.cookies: a cookie that another site of this host set, with JSON in it say, would hide ours
    for pair in (cookie_header or "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == NAME:
            return value
    return None


def setting(secret: str) -> dict[str, str]:
    return {"set-cookie": f"{NAME}={secret}; {_ATTRIBUTES}"}


def clearing() -> dict[str, str]:
    """For the answer to a log-out: the browser forgets the cookie, what it cached, and what it stored."""
    return {
        "set-cookie": f"{NAME}=; Max-Age=0; {_ATTRIBUTES}",
        "clear-site-data": '"cache", "storage"',
    }
