"""Types of settings for keys, secrets and digests. Error messages never contain their values."""

import base64
import binascii
import json
import re
from typing import Annotated, Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import AfterValidator, SecretStr

from chassis.service.setting_types import Expected

_ALGORITHM = "Ed25519"
_SECRET_CHARACTERS_MIN = 32
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None


def _key(jwk: Any, *, private: bool) -> None:
    if not isinstance(jwk, dict) or (jwk.get("kty"), jwk.get("crv")) != ("OKP", "Ed25519"):
        raise ValueError("has a key that is not of type OKP with the curve Ed25519")
    if private != ("d" in jwk):
        raise ValueError("has a key without its private part" if private else "contains a private key")
    try:
        public = OKPKey.import_key({name: value for name, value in jwk.items() if name != "d"})
        if private:
            # Its public part may belong to another key.
            jwt.decode(jwt.encode({"alg": _ALGORITHM}, {}, OKPKey.import_key(jwk), [_ALGORITHM]), public, [_ALGORITHM])
        else:
            public.raw_value  # noqa: B018  # the property validates the key
    except (JoseError, ValueError, TypeError, KeyError):
        raise ValueError("has a key that cannot be used") from None


def _private_key(text: SecretStr) -> SecretStr:
    _key(_json(text.get_secret_value()), private=True)
    return text


def _public_keys(text: str) -> str:
    jwks = _json(text)
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not keys:
        raise ValueError("has no list of keys")
    for jwk in keys:
        _key(jwk, private=False)
    key_ids = [jwk.get("kid") for jwk in keys]
    if not all(isinstance(key_id, str) and key_id for key_id in key_ids) or len(set(key_ids)) < len(key_ids):
        raise ValueError("has keys without a kid, or with the same kid")
    return text


def _sha256s(text: str) -> str:
    for digest in parts(text):
        if not _SHA256.fullmatch(digest):
            is_short = len(digest) != 64
            raise ValueError(f"has {len(digest)} characters" if is_short else "has characters that are not hexadecimal digits")
    return ",".join(parts(text)).lower()


def parts(text: str) -> tuple[str, ...]:
    """The parts of a list that is separated by commas. Raises ValueError if one occurs twice."""
    each = tuple(part.strip(" ") for part in text.split(",")) if "," in text else (text,)
    if len(set(each)) < len(each):
        raise ValueError("has the same part twice")
    return each


def _long_enough(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("contains a line break or control character")
    if (shortest := min(map(len, parts(text)))) < _SECRET_CHARACTERS_MIN:
        raise ValueError(f"has a part with {shortest} characters" if "," in text else f"has {shortest} characters")
    return secret


def _have_32_bytes(keys: SecretStr) -> SecretStr:
    for key in parts(keys.get_secret_value()):
        try:
            raw = base64.b64decode(key, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("is not base64") from None
        if len(raw) != 32:
            raise ValueError(f"has {len(raw)} bytes")
    return keys


def key_bytes(keys: SecretStr) -> tuple[bytes, ...]:
    """The key-encryption keys. The first one wraps, all of them unwrap."""
    return tuple(base64.b64decode(key) for key in parts(keys.get_secret_value()))


PrivateKey = Annotated[SecretStr, AfterValidator(_private_key), Expected("an Ed25519 private key as JWK (JSON)", secret=True)]
PublicKeys = Annotated[
    str, AfterValidator(_public_keys), Expected("Ed25519 public keys as JWKS (JSON), each with a unique kid", secret=True)
]
Sha256s = Annotated[
    # A common mistake is to set the key instead of its digest.
    str,
    AfterValidator(_sha256s),
    Expected("the SHA-256 of each of the operator's keys as 64 hexadecimal digits, separated by commas", secret=True),
]
CursorKeys = Annotated[
    SecretStr,
    AfterValidator(_long_enough),
    Expected(f"secrets of at least {_SECRET_CHARACTERS_MIN} characters, separated by commas", secret=True),
]
KeyEncryptionKeys = Annotated[
    SecretStr, AfterValidator(_have_32_bytes), Expected("32 bytes as base64, several separated by commas", secret=True)
]
"""`key_bytes` decodes them."""
