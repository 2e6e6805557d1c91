"""Authentication: from a credential to a merchant, a customer, another service or the operator."""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Depends, Request

from chassis.eventsourcing.context import Context
from chassis.http import security_events
from chassis.http.description import Security, answers
from chassis.http.problems import Problem, not_found
from chassis.http.service_tokens import InvalidToken, Verifier
from chassis.request_ids import adopt
from chassis.scope import note
from chassis.tenants import Tenant, Tenants

PrincipalKind = Literal["merchant", "customer", "service", "operator"]

Peers = Mapping[str, frozenset[tuple[str, str]]]
"""Service -> the (method, route) pairs that it may call here, for itself or for a customer. Other services may call none."""

_API_KEY = re.compile(r"sk_(test|live)_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Principal:
    kind: PrincipalKind
    name: str
    """The API key's id, the customer's id, or the service."""
    merchant: UUID | None = None
    customer_id: UUID | None = None
    session: str | None = None
    """An opaque reference to the customer's portal session."""
    issuer: str | None = None
    """The calling service, for itself or for the customer."""
    tenant: Tenant | None = None
    """The merchant, if it was read to check an API key."""

    @property
    def merchant_id(self) -> UUID:
        """Raises Problem 403 for the operator, and for a service that acts for no merchant."""
        if self.merchant is None:
            raise forbidden("This credential does not belong to a merchant")
        return self.merchant

    @property
    def subject(self) -> str:
        return f"{self.kind}:{self.name}"

    def owns(self, customer_id: UUID) -> bool:
        """Whether the principal may read this customer's data. Queries restrict a merchant to its own customers."""
        return self.kind != "customer" or self.customer_id == customer_id

    def must_own(self, customer_id: UUID | None) -> None:
        """Raises Problem 404, as for a customer that does not exist."""
        if customer_id is None or not self.owns(customer_id):
            raise not_found()

    def context(self) -> Context:
        return Context.beginning(self.merchant_id, self.subject)


class Authenticator:
    """Authenticates a request by its bearer credential."""

    def __init__(self, tenants: Tenants, verifier: Verifier, *operators: str) -> None:
        """`operators`: SHA-256, in hex, of each valid operator's key."""
        self._tenants, self._verifier, self._operators = tenants, verifier, operators

    def use(self, operators: Sequence[str]) -> None:
        """From now on these operators' keys are valid."""
        self._operators = tuple(operators)

    async def principal(self, request: Request) -> Principal:
        """Authenticate a request. Raises Problem 401 and records a security event."""
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not credential:
            security_events.note_refusal("key", reason="absent")
            raise unauthenticated()
        if _API_KEY.fullmatch(credential):
            return await self._merchant(credential)
        digest = hashlib.sha256(credential.encode()).hexdigest()
        if any(hmac.compare_digest(digest, operator) for operator in self._operators):
            return Principal("operator", "operator")
        try:
            claims = self._verifier.verify(credential)
        except InvalidToken as error:
            security_events.note_refusal("token", reason=str(error))
            raise unauthenticated() from None
        adopt(request)
        note(merchant=claims.merchant_id)
        if claims.customer_id:
            name = str(claims.customer_id)
            return Principal("customer", name, claims.merchant_id, claims.customer_id, claims.session, claims.issuer)
        return Principal("service", claims.issuer, claims.merchant_id, issuer=claims.issuer)

    async def _merchant(self, key: str) -> Principal:
        tenant, digest = await self._tenants.by_key(key), hashlib.sha256(key.encode()).hexdigest()
        if tenant is None:
            security_events.note_refusal("key", reason="unknown or revoked", key_id=f"key_{digest[:16]}")
            raise unauthenticated()
        note(merchant=tenant.id)
        key_id = next((str(k["id"]) for k in tenant.doc["api_keys"] if k["sha256"] == digest), "key")
        return Principal("merchant", key_id, tenant.id, tenant=tenant)


def unauthenticated() -> Problem:
    return Problem(401, "unauthenticated", "A valid credential is required", headers={"www-authenticate": "Bearer"})


SCHEMES: Final[dict[str, dict[str, str]]] = {
    "merchant": {"type": "http", "scheme": "bearer", "description": "A merchant's API key: sk_test_… or sk_live_…"},
    "customer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The portal's token for one request on behalf of a customer, signed with Ed25519.",
    },
    "service": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Another service's token for one request, signed with Ed25519.",
    },
    "operator": {"type": "http", "scheme": "bearer", "description": "The operator's key."},
}
"""The credentials as OpenAPI security schemes."""


def forbidden(title: str = "This credential may not do this") -> Problem:
    return Problem(403, "forbidden", title)


@answers(None, (401, "unauthenticated"), (403, "forbidden"), security=tuple({kind: ()} for kind in SCHEMES))
async def principal(request: Request) -> Principal:
    """The request's principal. Raises Problem 401, and 403 if a service calls a route that `peers` does not allow it."""
    authenticator: Authenticator = request.app.state.authenticator
    caller = await authenticator.principal(request)
    security_events.note(subject=caller.subject, merchant_id=caller.merchant, issuer=caller.issuer)
    if caller.issuer is not None:
        peers: Peers = request.app.state.peers
        method = "GET" if request.method == "HEAD" else request.method
        if (method, request.scope["route"].path) not in peers.get(caller.issuer, ()):
            raise forbidden()
    return caller


Caller = Annotated[Principal, Depends(principal)]
"""FastAPI parameter: the authenticated principal."""


async def tenant_of(caller: Principal, tenants: Tenants) -> Tenant:
    """The caller's merchant, read at most once per request. Raises Problem 403 for a caller without a merchant, LookupError
    for an unknown merchant.
    """
    tenant = caller.tenant or await tenants.get(caller.merchant_id)
    if tenant is None:
        raise LookupError(f"no merchant {caller.merchant_id}")
    return tenant


def only(*kinds: PrincipalKind) -> Callable[[Principal], Awaitable[Principal]]:
    """A dependency that accepts only these kinds of principal: `Depends(only("merchant"))`."""

    @answers(None, security=tuple({kind: ()} for kind in kinds))
    async def checked(caller: Caller) -> Principal:
        if caller.kind not in kinds:
            raise forbidden()
        return caller

    return checked


OF_A_MERCHANT: Final[Security] = ({"merchant": ()}, {"customer": ()}, {"service": ()})
"""OpenAPI security of routes for every caller that belongs to a merchant."""
Merchant = Annotated[Principal, Depends(only("merchant"))]
MerchantOrCustomer = Annotated[Principal, Depends(only("merchant", "customer"))]
Operator = Annotated[Principal, Depends(only("operator"))]
Peer = Annotated[Principal, Depends(only("service"))]
