"""Envelope encryption with AES-256-GCM: a data key encrypts the values of a row, and a key-encryption key wraps the data key.

A row names the key-encryption key that wraps its data key, so that keys can be replaced while the service runs.
"""

import hashlib
import os
from collections.abc import Sequence
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class Tampered(Exception):
    """A stored ciphertext or content is not the one that was stored, or its key is not among the given ones."""


class KeyEncryption:
    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys`: key-encryption keys of 32 bytes. The first one wraps, all of them unwrap."""
        self.use(keys)

    def use(self, keys: Sequence[bytes]) -> None:
        """From now on the first key wraps, and all of them unwrap."""
        self._keys = {name_of(key): AESGCM(key) for key in keys}
        self.newest = next(iter(self._keys))

    def wrap(self, data_key: bytes, *ids: UUID) -> tuple[bytes, str]:
        """The wrapped data key and the name of its key-encryption key. `ids` are the row's."""
        return _sealed(self._keys[self.newest], data_key, _bound("key", *ids)), self.newest

    def unwrap(self, wrapped: bytes, wrapped_by: str | None, *ids: UUID) -> bytes:
        """The data key. Raises Tampered."""
        if wrapped_by is not None and wrapped_by not in self._keys:
            raise Tampered(f"a data key is wrapped by the key-encryption key {wrapped_by}, which is not in KEY_ENCRYPTION_KEY")
        for key in [self._keys[wrapped_by]] if wrapped_by else self._keys.values():
            try:
                return _opened(key, wrapped, _bound("key", *ids))
            except Tampered as error:
                refused = error
        raise refused

    def rewrapped(self, wrapped: bytes, wrapped_by: str | None, *ids: UUID) -> tuple[bytes, str]:
        """The data key under the newest key, and that key's name. Raises Tampered."""
        return self.wrap(self.unwrap(wrapped, wrapped_by, *ids), *ids)


def new_data_key() -> bytes:
    return AESGCM.generate_key(256)


def seal(data_key: bytes, text: bytes, purpose: str, *ids: UUID) -> bytes:
    """The ciphertext, which opens only for the same purpose and ids."""
    return _sealed(AESGCM(data_key), text, _bound(purpose, *ids))


def unseal(data_key: bytes, sealed: bytes, purpose: str, *ids: UUID) -> bytes:
    """Raises Tampered."""
    return _opened(AESGCM(data_key), sealed, _bound(purpose, *ids))


def name_of(key: bytes) -> str:
    """What rows call a key-encryption key."""
    return hashlib.sha256(key).hexdigest()[:8]


def _sealed(key: AESGCM, text: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, text, bound)


def _opened(key: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    try:
        return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
    except InvalidTag:
        raise Tampered("a ciphertext does not open: another key-encryption key, or not what was sealed") from None


def _bound(purpose: str, *ids: UUID) -> bytes:
    """The associated data, so that a ciphertext cannot be moved to another row."""
    return "/".join((purpose, *map(str, ids))).encode()
