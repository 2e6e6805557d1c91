"""List cursors: opaque to callers, signed, so that nobody can make one up."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query

from chassis.http.problems import Problem

_MAC_BYTES = 16

Limit = Annotated[int, Query(ge=1, le=100, description="How many entries the page has at most.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before. The first page when absent.")]


class Cursors:
    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def encode(self, position: Mapping[str, Any]) -> str:
        """A cursor for the position after which the next page begins."""
        payload = json.dumps(position, separators=(",", ":"), sort_keys=True, default=str).encode()
        return base64.urlsafe_b64encode(self._mac(payload) + payload).rstrip(b"=").decode()

    def decode(self, cursor: str, *names: str) -> dict[str, Any]:
        """The position of a cursor made here. Raises Problem 422 for anything else, and where a name is missing: then it is
        the cursor of another list."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise self._invalid() from None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload)):
            raise self._invalid()
        position: dict[str, Any] = json.loads(payload)
        if not position.keys() >= set(names):
            raise self._invalid()
        return position

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, hashlib.sha256)[:_MAC_BYTES]

    @staticmethod
    def _invalid() -> Problem:
        return Problem(422, "invalid_cursor", "The cursor is not one of ours")
