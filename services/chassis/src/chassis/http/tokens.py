"""Short-lived tokens between services: signed with Ed25519, naming who acts, for which merchant, towards whom."""

import json
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

_ALGORITHMS = ["Ed25519"]
LIFETIME_SECONDS = 60


class InvalidToken(Exception):
    """Not signed by a service of ours, for another audience, or too old."""


@dataclass(frozen=True, slots=True)
class Claims:
    issuer: str
    merchant_id: UUID | None
    customer_id: UUID | None
    session: str | None


class Signer:
    """Signs what one service asks of another, with that service's own key."""

    def __init__(self, service: str, private_key: str) -> None:
        self._service = service
        self._key = OKPKey.import_key(json.loads(private_key))

    def token(
        self, audience: str, *, merchant_id: UUID | None = None, customer_id: UUID | None = None, session: str | None = None
    ) -> str:
        """A token for one call to `audience`: on behalf of the customer when one is named, else of the service."""
        claims: dict[str, Any] = {"iss": self._service, "aud": audience, "exp": int(time.time()) + LIFETIME_SECONDS}
        claims["sub"] = f"customer:{customer_id}" if customer_id else "service"
        if merchant_id:
            claims["merchant"] = str(merchant_id)
        if session:
            claims["sid"] = session
        return jwt.encode({"alg": "Ed25519", "kid": self._service}, claims, self._key, algorithms=_ALGORITHMS)


class Verifier:
    """Reads tokens that are meant for one service."""

    def __init__(self, audience: str, public_keys: str) -> None:
        self._keys = KeySet.import_key_set(json.loads(public_keys))
        self._rules = jwt.JWTClaimsRegistry(
            iss={"essential": True}, sub={"essential": True}, exp={"essential": True}, aud={"essential": True, "value": audience}
        )

    def read(self, token: str) -> Claims:
        """Raises InvalidToken."""
        try:
            found = jwt.decode(token, self._keys, algorithms=_ALGORITHMS)
            self._rules.validate(found.claims)
            claims = found.claims
            if claims["iss"] != found.header.get("kid"):
                raise InvalidToken("signed with another service's key")
            kind, _, customer = str(claims["sub"]).partition(":")
            return Claims(
                issuer=claims["iss"],
                merchant_id=UUID(claims["merchant"]) if "merchant" in claims else None,
                customer_id=UUID(customer) if kind == "customer" else None,
                session=claims.get("sid"),
            )
        except (JoseError, ValueError, TypeError, KeyError) as error:  # joserfc raises these for headers of another shape
            raise InvalidToken(type(error).__name__) from None
