"""Cursors of paged lists: opaque to callers, and signed so that they cannot be forged."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query

from chassis.http.problems import Problem

_MAC_BYTES = 16

Limit = Annotated[int, Query(ge=1, le=100, description="The maximum number of entries on the page.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the previous page. Without it, the first page.")]


class Cursors:
    def __init__(self, *keys: str) -> None:
        self.use(keys)

    def use(self, keys: Sequence[str]) -> None:
        """From now on the first key signs, and all of them verify."""
        self._keys = [key.encode() for key in keys]

    def encode(self, position: Mapping[str, Any]) -> str:
        """A cursor for the position after which the next page starts."""
        payload = json.dumps(position, separators=(",", ":"), sort_keys=True, default=str).encode()
        return base64.urlsafe_b64encode(_mac(self._keys[0], payload) + payload).rstrip(b"=").decode()

    def decode(self, cursor: str, *names: str) -> dict[str, Any]:
        """The position of a cursor. Raises Problem 422 if the signature is invalid, or if a name is missing because the cursor
        belongs to another list.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise self._invalid() from None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not any(hmac.compare_digest(mac, _mac(key, payload)) for key in self._keys):
            raise self._invalid()
        position: dict[str, Any] = json.loads(payload)
        if not position.keys() >= set(names):
            raise self._invalid()
        return position

    @staticmethod
    def _invalid() -> Problem:
        return Problem(422, "invalid_cursor", "The cursor is invalid")


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, hashlib.sha256)[:_MAC_BYTES]
