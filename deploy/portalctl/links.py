"""Portal links, created and revoked with the gateway's API."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from portalctl.local.errors import StackError
from portalctl.settings import DEADLINE_SECONDS


@dataclass(frozen=True)
class Gateway:
    """The portal gateway's address, and a merchant's API key."""

    url: str
    api_key: str
    timeout_seconds: float = DEADLINE_SECONDS

    def call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The body of the response. Raises StackError with the problem's texts."""
        headers = {"authorization": f"Bearer {self.api_key}"}
        try:
            with httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=self.timeout_seconds) as client:
                answer = client.request(method, path, **request)
        except httpx.TimeoutException:
            raise StackError(f"the portal gateway does not answer at {self.url} within {self.timeout_seconds:g} s") from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise StackError(f"the portal gateway does not answer at {self.url}: {error}") from error
        if answer.is_error:
            raise StackError(f"the portal gateway answered {answer.status_code}: {describe_problem(answer)}")
        try:
            body = answer.json() if answer.content else {}
        except ValueError:
            body = None
        if not isinstance(body, dict) or answer.is_redirect:
            raise StackError(f"the server at {self.url} is not a portal gateway")
        return body


def describe_problem(answer: httpx.Response) -> str:
    """Title, detail, fields and code of a problem; the first 200 characters of any other response."""
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        return answer.text[:200].strip() or "no further details"
    parts = [str(problem[name]) for name in ("title", "detail") if problem.get(name)]
    for error in problem.get("errors") or ():
        parts.append(": ".join(str(value) for value in error.values()) if isinstance(error, dict) else str(error))
    code = f" ({problem['code']})" if problem.get("code") else ""
    return f"{'; '.join(parts)}{code}".strip() or "no further details"


def create(gateway: Gateway, customer_id: str, options: dict[str, Any]) -> dict[str, Any]:
    """`{id, url, expires_at}`. The URL is shown only once."""
    chosen = {name: value for name, value in options.items() if value is not None}
    created = gateway.call("POST", "/v1/portal-links", json={"customer_id": customer_id, **chosen})
    if not isinstance(created.get("url"), str):
        raise StackError(f"the server at {gateway.url} is not a portal gateway")
    return created


def revoke(gateway: Gateway, *, link_id: str | None = None, customer_id: str | None = None) -> None:
    """Revoke one link, or all links of a customer, also those to invoices."""
    if link_id:
        gateway.call("DELETE", f"/v1/portal-links/{quote(link_id, safe='')}")
    else:
        gateway.call("DELETE", "/v1/portal-links", params={"customer_id": customer_id})


def gateway_of(
    state: dict[str, Any], merchant: str | None, api_key: str | None, url: str | None, seconds: float = DEADLINE_SECONDS
) -> Gateway:
    """The gateway with the key of a merchant in state.json, unless key and URL are given. Raises StackError."""
    merchants = state.get("merchants", {})
    if api_key is None:
        named = merchants.get(merchant) if merchant else next(iter(merchants.values()), None)
        if named is None:
            known = ", ".join(merchants) or "none"
            raise StackError(f"no such merchant in state.json (known: {known}): give --api-key")
        api_key = named["api_key"]
    address = url or state.get("urls", {}).get("portal-gateway")
    if address is None:
        raise StackError("no stack was started here: run portalctl up first, or give --url")
    return Gateway(address, api_key, seconds)


def customer_of(state: dict[str, Any], customer: str) -> tuple[str, str | None]:
    """(id, merchant's name) of a customer in state.json. An unknown name is returned as an id, without a merchant."""
    known = state.get("customers", {}).get(customer)
    return (known["id"], known["merchant"]) if known else (customer, None)
