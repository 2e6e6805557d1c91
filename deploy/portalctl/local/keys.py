"""Secrets of a deployment, created once and stored in a file that only its owner can read: secrets.json."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from joserfc.jwk import KeyParameters, OKPKey

from portalctl.local.folder import Folder, read_json, write_json

_FIELDS = {
    "operator-key": "operator_key",
    "cursor-key": "cursor_key",
    "link-pepper": "link_pepper",
    "key-encryption-key": "key_encryption_key",
}
_SERVICE_KEY = "service-key/"


@dataclass(frozen=True)
class Keys:
    """`passwords` by PostgreSQL role, `services` Ed25519 private keys (JWK) by service name.

    Each key that can be rotated has a name (`names`) and a first value, which signs or wraps. During a rotation it has a second
    one, in `others`, which only verifies or unwraps.
    """

    passwords: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    operator_key: str = ""
    cursor_key: str = ""
    link_pepper: str = ""
    key_encryption_key: str = ""
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By the key's name: `value`, `state` (`new` before it becomes the first value, `old` after it was that), and `since`."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Where `portalctl secrets` has written files: `to`, a folder, and `postgres`, the server named in them."""

    @classmethod
    def stored_in(cls, folder: Folder) -> Self:
        """Without values if nothing is stored. Raises StackError."""
        stored = read_json(folder.secrets)
        return cls(**{name: stored[name] for name in cls.__dataclass_fields__ if name in stored})

    def store(self, folder: Folder) -> None:
        write_json(folder.secrets, asdict(self))

    @property
    def names(self) -> list[str]:
        """The keys that can be rotated."""
        return [*_FIELDS, *(f"{_SERVICE_KEY}{service}" for service in self.services)]

    @staticmethod
    def is_of_service(name: str) -> bool:
        """Whether the key signs a service's tokens."""
        return name.startswith(_SERVICE_KEY)

    def first(self, name: str) -> Any:
        """The value that signs or wraps. Raises KeyError for an unknown name."""
        if self.is_of_service(name):
            return self.services[name.removeprefix(_SERVICE_KEY)]
        return getattr(self, _FIELDS[name])

    def live(self, name: str) -> list[Any]:
        """The values that verify or unwrap, the first one first. Empty if there is none."""
        return [value for value in (self.first(name), self.others.get(name, {}).get("value")) if value]

    def with_values(self, name: str, first: Any, other: Mapping[str, Any] | None) -> Self:
        """With this first value, and this second one or none."""
        others = {each: value for each, value in self.others.items() if each != name} | ({name: other} if other else {})
        if self.is_of_service(name):
            services = {**self.services, name.removeprefix(_SERVICE_KEY): first}
            return replace(self, services=services, others=others)
        return replace(self, others=others, **{_FIELDS[name]: first})

    @property
    def operator_key_sha256(self) -> str:
        """Of each valid key, separated by commas."""
        return ",".join(hashlib.sha256(key.encode()).hexdigest() for key in self.live("operator-key"))

    @property
    def public_keys(self) -> str:
        """JWKS of all services, as JSON."""
        keys = [jwk for service in self.services for jwk in self.live(f"{_SERVICE_KEY}{service}")]
        return json.dumps({"keys": [{name: value for name, value in jwk.items() if name != "d"} for jwk in keys]})

    def private_key(self, service: str) -> str:
        return json.dumps(self.services[service])


def load_or_create_keys(folder: Folder, roles: list[str], services: list[str]) -> Keys:
    """The folder's keys. Missing ones are created and stored."""
    stored = Keys.stored_in(folder)
    keys = replace(
        stored,
        passwords={role: secrets.token_urlsafe(24) for role in ["postgres", *roles]} | dict(stored.passwords),
        services={name: new_value(f"{_SERVICE_KEY}{name}", 1) for name in services} | dict(stored.services),
        **{attribute: getattr(stored, attribute) or new_value(name) for name, attribute in _FIELDS.items()},
    )
    if keys != stored:
        keys.store(folder)
    return keys


def new_value(name: str, number: int = 1) -> Any:
    """A new random value for the key of this name. `number` distinguishes the keys of a service."""
    if Keys.is_of_service(name):
        parameters: KeyParameters = {"kid": f"{name.removeprefix(_SERVICE_KEY)}/{number}", "use": "sig"}
        return dict(OKPKey.generate_key("Ed25519", parameters, private=True).as_dict(private=True))
    if name == "key-encryption-key":
        return base64.b64encode(secrets.token_bytes(32)).decode()
    return f"{'operator_' if name == 'operator-key' else ''}{secrets.token_urlsafe(32)}"
