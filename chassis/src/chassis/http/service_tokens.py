"""Short-lived tokens between services, signed with Ed25519: issuer, audience, merchant and customer."""

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
LIFETIME_SECONDS_MAX = 300
"""Tokens with a longer lifetime are rejected."""
SKEW_SECONDS = 30
"""How far the signing service's clock may be ahead of ours."""
_TEXT_MAX = 200


class InvalidToken(Exception):
    """Not signed by one of our services, for another audience, or expired."""


@dataclass(frozen=True, slots=True)
class Claims:
    issuer: str
    merchant_id: UUID | None
    customer_id: UUID | None
    session: str | None


class Signer:
    """Signs tokens for calls to other services, with the calling service's key."""

    def __init__(self, service: str, private_key: str) -> None:
        self._service = service
        self.use(private_key)

    def use(self, private_key: str) -> None:
        """From now on sign with this key (JWK, JSON). Its `kid` may be `<service>/<n>`; any other one counts as the service."""
        jwk = json.loads(private_key)
        key = OKPKey.import_key(jwk).private_key
        assert isinstance(key, Ed25519PrivateKey), "the settings guarantee it"
        kid = str(jwk.get("kid"))
        self._header, self._sign = _header(kid if service_of(kid) == self._service else self._service), key.sign

    def token(
        self, audience: str, *, merchant_id: UUID | None = None, customer_id: UUID | None = None, session: str | None = None
    ) -> str:
        """A token for one call to `audience`, on behalf of the customer if given, else of the service."""
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
    """Verifies tokens for one service."""

    def __init__(self, audience: str, public_keys: str) -> None:
        self._audience = audience
        self._keys: dict[str, tuple[str, Ed25519PublicKey]] = {}
        """Service and key by the exact header of its tokens; tokens with another header are rejected unread."""
        self.use(public_keys)

    def use(self, public_keys: str) -> None:
        """From now on accept tokens that are signed with one of these keys (JWKS, JSON)."""
        keys = {}
        for jwk in json.loads(public_keys)["keys"]:
            key = OKPKey.import_key(jwk).public_key
            assert isinstance(key, Ed25519PublicKey), "the settings guarantee it"
            keys[_header(jwk["kid"])] = service_of(jwk["kid"]), key
        self._keys = keys

    def verify(self, token: str) -> Claims:
        """The claims of a valid token. Raises InvalidToken, also for claims of an unexpected type."""
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


def service_of(kid: str) -> str:
    """The service of a key id: `<service>`, or `<service>/<n>`."""
    return kid.partition("/")[0]


def _header(kid: str) -> str:
    return _encoded(_json({"typ": "JWT", "alg": "Ed25519", "kid": kid}))


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Raises ValueError unless the text is the canonical encoding of the bytes."""
    content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encoded(content) != text:
        raise ValueError("not base64url")
    return content


def _must_be_in_force(issued: int, expires: int) -> None:
    now = time.time()
    if not 0 < expires - issued <= LIFETIME_SECONDS_MAX:
        raise InvalidToken("lives too long")
    if issued > now + SKEW_SECONDS:
        raise InvalidToken("not issued yet")
    if expires <= now:
        raise InvalidToken("expired")


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value or len(value) > _TEXT_MAX:
        raise InvalidToken(f"{name} is no text")
    return value


def _instant(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidToken(f"{name} is no instant")
    return value


def _id(text: str) -> UUID:
    try:
        id = UUID(text)
    except ValueError:
        raise InvalidToken("an id is none") from None
    if str(id) != text:
        raise InvalidToken("an id is none")
    return id
