"""Portal links, by the gateway's API."""

from dataclasses import dataclass
from typing import Any

import httpx

from portalctl.local.failures import StackError

_TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True)
class Gateway:
    """Where the portal gateway is, and a merchant's API key."""

    url: str
    api_key: str

    def ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The answer's body. Raises StackError with the problem's title."""
        headers = {"authorization": f"Bearer {self.api_key}"}
        with httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=_TIMEOUT_SECONDS) as client:
            try:
                answer = client.request(method, path, **request)
            except httpx.TransportError as error:
                raise StackError(f"the portal gateway does not answer at {self.url}: {error}") from error
        if answer.is_error:
            raise StackError(f"the portal gateway answered {answer.status_code}: {answer.text[:500]}")
        body: dict[str, Any] = answer.json() if answer.content else {}
        return body


def create(gateway: Gateway, customer_id: str, options: dict[str, Any]) -> dict[str, Any]:
    """`{id, url, expires_at}`; the URL is shown this once."""
    given = {name: value for name, value in options.items() if value is not None}
    return gateway.ask("POST", "/v1/portal-links", json={"customer_id": customer_id, **given})


def revoke(gateway: Gateway, *, link_id: str | None = None, customer_id: str | None = None) -> None:
    """One link, or all of a customer's."""
    if link_id:
        gateway.ask("DELETE", f"/v1/portal-links/{link_id}")
    else:
        gateway.ask("DELETE", "/v1/portal-links", params={"customer_id": customer_id})


def gateway_of(state: dict[str, Any], merchant: str | None, api_key: str | None, url: str | None) -> Gateway:
    """The gateway as a merchant that state.json names, unless key and URL are given. Raises StackError."""
    merchants = state.get("merchants", {})
    if api_key is None:
        named = merchants.get(merchant) if merchant else next(iter(merchants.values()), None)
        if named is None:
            known = ", ".join(merchants) or "none"
            raise StackError(f"no such merchant in state.json (known: {known}): give --api-key")
        api_key = named["api_key"]
    found = url or state.get("urls", {}).get("portal-gateway")
    if found is None:
        raise StackError("no stack was started here: run portalctl up first, or give --url")
    return Gateway(found, api_key)


def customer_of(state: dict[str, Any], customer: str) -> tuple[str, str | None]:
    """(id, merchant's name) of a customer that state.json names; an id stands for itself."""
    known = state.get("customers", {}).get(customer)
    return (known["id"], known["merchant"]) if known else (customer, None)
