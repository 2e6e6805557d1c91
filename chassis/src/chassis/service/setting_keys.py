"""Types of settings that are keys, secrets or digests. Their values are never shown."""

import json
import re
from typing import Annotated, Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import AfterValidator, SecretStr

from chassis.service.setting_types import Expected

_ALGORITHM = "Ed25519"
_LEAST_CHARACTERS = 32
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
            # Its public part may be another key's.
            jwt.decode(jwt.encode({"alg": _ALGORITHM}, {}, OKPKey.import_key(jwk), [_ALGORITHM]), public, [_ALGORITHM])
        else:
            public.raw_value  # noqa: B018  # made from its parts now
    except (JoseError, ValueError, TypeError, KeyError):
        raise ValueError("has a key that cannot be used") from None


def _private_key(text: SecretStr) -> SecretStr:
    _key(_json(text.get_secret_value()), private=True)
    return text


def _public_keys(text: str) -> str:
    found = _json(text)
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list) or not keys:
        raise ValueError("has no list of keys")
    for jwk in keys:
        _key(jwk, private=False)
    names = [jwk.get("kid") for jwk in keys]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise ValueError("has keys without a kid, or two with the same one")
    return text


def _sha256(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ValueError(f"has {len(text)} characters" if len(text) != 64 else "has other characters than hexadecimal digits")
    return text.lower()


def _long_enough(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if len(text) < _LEAST_CHARACTERS:
        raise ValueError(f"has {len(text)} characters")
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("contains a line break or control character")
    return secret


PrivateKey = Annotated[SecretStr, AfterValidator(_private_key), Expected("an Ed25519 private key as JWK (JSON)", secret=True)]
PublicKeys = Annotated[
    str, AfterValidator(_public_keys), Expected("Ed25519 public keys as JWKS (JSON), each with a kid of its own", secret=True)
]
Sha256 = Annotated[
    # The usual mistake is to give the key itself.
    str, AfterValidator(_sha256), Expected("the SHA-256 of the operator's key as 64 hexadecimal digits", secret=True)
]
CursorKey = Annotated[
    SecretStr, AfterValidator(_long_enough), Expected(f"a secret of at least {_LEAST_CHARACTERS} characters", secret=True)
]
