"""Secrets of a local stack, created once and stored in a file that only its owner can read."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import OKPKey

from portalctl.local.folder import Folder, read_json, write_json


@dataclass(frozen=True)
class Keys:
    """`passwords` by PostgreSQL role, `services` Ed25519 private keys (JWK) by service name."""

    passwords: dict[str, str]
    services: dict[str, dict[str, Any]]
    operator_key: str
    cursor_key: str
    link_pepper: str
    key_encryption_key: str

    @property
    def operator_key_sha256(self) -> str:
        return hashlib.sha256(self.operator_key.encode()).hexdigest()

    @property
    def public_keys(self) -> str:
        """JWKS of all services, as JSON."""
        return json.dumps({"keys": [{k: v for k, v in jwk.items() if k != "d"} for jwk in self.services.values()]})

    def private_key(self, service: str) -> str:
        return json.dumps(self.services[service])


def load_or_create_keys(folder: Folder, roles: list[str], services: list[str]) -> Keys:
    """The folder's keys. Missing ones are created and stored."""
    stored = read_json(folder.secrets)
    keys = {
        "passwords": {role: secrets.token_urlsafe(24) for role in ["postgres", *roles]} | stored.get("passwords", {}),
        "services": {name: _signing_key(name) for name in services} | stored.get("services", {}),
        "operator_key": stored.get("operator_key") or f"operator_{secrets.token_urlsafe(32)}",
        "cursor_key": stored.get("cursor_key") or secrets.token_urlsafe(32),
        "link_pepper": stored.get("link_pepper") or secrets.token_urlsafe(32),
        "key_encryption_key": stored.get("key_encryption_key") or base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    if keys != stored:
        write_json(folder.secrets, keys)
    return Keys(**keys)


def _signing_key(name: str) -> dict[str, Any]:
    return dict(OKPKey.generate_key("Ed25519", {"kid": name, "use": "sig"}, private=True).as_dict(private=True))
