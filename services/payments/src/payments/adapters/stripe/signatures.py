"""Signatures of webhooks: `t=<Unix time>,v1=<HMAC-SHA256 of "t.body" in hex>`, several `v1` while secrets are replaced."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

TOLERANCE_SECONDS: Final = 300
"""How far the time of a signature may be from ours, in both directions."""
_TIME: Final = re.compile(r"[0-9]{1,12}")


class BadSignature(Exception):
    """The message is a reason for the metric: `unsigned`, `out_of_time` or `forged`."""


def check(body: bytes, header: str | None, secrets: Sequence[str], now: float) -> None:
    """`now` in Unix seconds. Raises BadSignature unless one of the secrets signed these bytes within the time window."""
    fields = [field.partition("=")[::2] for field in (header or "").split(",")]
    times = [value for name, value in fields if name == "t"]
    signatures = [value for name, value in fields if name == "v1"]
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not signatures:
        raise BadSignature("unsigned")
    if abs(now - int(times[0])) > TOLERANCE_SECONDS:
        raise BadSignature("out_of_time")
    expected = [sign(body, times[0], secret).encode() for secret in secrets]
    if not any(hmac.compare_digest(each, value.encode("utf-8", "replace")) for each in expected for value in signatures):
        raise BadSignature("forged")


def sign(body: bytes, time: str, secret: str) -> str:
    """The value of `v1`."""
    return hmac.new(secret.encode(), time.encode() + b"." + body, hashlib.sha256).hexdigest()
