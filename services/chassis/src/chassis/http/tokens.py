"""Short-lived tokens between services: signed with Ed25519, naming who acts, for which merchant, towards whom."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

_ALGORITHMS = ["Ed25519"]
LIFETIME_SECONDS = 60
LONGEST_SECONDS = 300
"""No token is accepted that lives longer."""
SKEW_SECONDS = 30
"""How far the clock of a service that signs may be ahead of one that reads."""
_LONGEST_TEXT = 200


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
        now = int(time.time())
        claims: dict[str, Any] = {"iss": self._service, "aud": audience, "iat": now, "exp": now + LIFETIME_SECONDS}
        claims["sub"] = f"customer:{customer_id}" if customer_id else "service"
        if merchant_id:
            claims["merchant"] = str(merchant_id)
        if session:
            claims["sid"] = session
        return jwt.encode({"alg": "Ed25519", "kid": self._service}, claims, self._key, algorithms=_ALGORITHMS)


class Verifier:
    """Reads tokens that are meant for one service."""

    def __init__(self, audience: str, public_keys: str) -> None:
        self._audience = audience
        self._keys = KeySet.import_key_set(json.loads(public_keys))

    def read(self, token: str) -> Claims:
        """Raises InvalidToken, also for claims of another type than they have in a token of ours."""
        try:
            found = jwt.decode(token, self._keys, algorithms=_ALGORITHMS)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            # joserfc lets all of these through for headers and claims of another shape
            raise InvalidToken(type(error).__name__) from None
        claims: dict[str, Any] = found.claims
        issuer, subject = _text(claims, "iss"), _text(claims, "sub")
        if issuer != found.header.get("kid"):
            raise InvalidToken("another service's key")
        if _text(claims, "aud") != self._audience:
            raise InvalidToken("another audience")
        _must_be_in_force(_instant(claims, "iat"), _instant(claims, "exp"))
        kind, _, customer = subject.partition(":")
        if subject != "service" and kind != "customer":
            raise InvalidToken("another subject")
        merchant_id = _id(_text(claims, "merchant")) if "merchant" in claims else None
        if kind == "customer" and merchant_id is None:
            raise InvalidToken("a customer of no merchant")
        return Claims(
            issuer=issuer,
            merchant_id=merchant_id,
            customer_id=_id(customer) if kind == "customer" else None,
            session=_text(claims, "sid") if "sid" in claims else None,
        )


def _must_be_in_force(issued: int, expires: int) -> None:
    now = time.time()
    if not 0 < expires - issued <= LONGEST_SECONDS:
        raise InvalidToken("lives too long")
    if issued > now + SKEW_SECONDS:
        raise InvalidToken("not issued yet")
    if expires <= now:
        raise InvalidToken("expired")


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value or len(value) > _LONGEST_TEXT:
        raise InvalidToken(f"{name} is no text")
    return value


def _instant(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidToken(f"{name} is no instant")
    return value


def _id(text: str) -> UUID:
    try:
        found = UUID(text)
    except ValueError:
        raise InvalidToken("an id is none") from None
    if str(found) != text:
        raise InvalidToken("an id is none")
    return found
