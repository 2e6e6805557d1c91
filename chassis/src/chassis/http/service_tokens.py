"""Short-lived tokens between services: signed with Ed25519, naming who acts, for which merchant, towards whom."""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc.jwk import OKPKey

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
        self._service, self._header = service, _header(service)
        key = OKPKey.import_key(json.loads(private_key)).private_key
        assert isinstance(key, Ed25519PrivateKey), "the settings are checked for it"
        self._sign = key.sign

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
        signed = f"{self._header}.{_encoded(_json(claims))}"
        return f"{signed}.{_encoded(self._sign(signed.encode()))}"


class Verifier:
    """Reads tokens that are meant for one service."""

    def __init__(self, audience: str, public_keys: str) -> None:
        self._audience = audience
        self._keys: dict[str, tuple[str, Ed25519PublicKey]] = {}
        """By the only header that a token of the service has: no other one is read at all."""
        for jwk in json.loads(public_keys)["keys"]:
            key = OKPKey.import_key(jwk).public_key
            assert isinstance(key, Ed25519PublicKey), "the settings are checked for it"
            self._keys[_header(jwk["kid"])] = jwk["kid"], key

    def read(self, token: str) -> Claims:
        """Raises InvalidToken, also for claims of another type than they have in a token of ours."""
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        if (known := self._keys.get(header)) is None:
            raise InvalidToken("another header")
        signer, key = known
        try:
            key.verify(_decoded(signature), signed.encode())
            claims: Any = json.loads(_decoded(payload))
        except (InvalidSignature, ValueError, RecursionError) as error:
            raise InvalidToken(type(error).__name__) from None
        if not isinstance(claims, dict):
            raise InvalidToken("no claims")
        issuer, subject = _text(claims, "iss"), _text(claims, "sub")
        if issuer != signer:
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


def _header(service: str) -> str:
    return _encoded(_json({"typ": "JWT", "alg": "Ed25519", "kid": service}))


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Raises ValueError for every text but the one that encodes the bytes."""
    content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encoded(content) != text:
        raise ValueError("not base64url")
    return content


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
