"""Gzip, and static files that are compressed once."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from presentation.accept_headers import accepts_coding

_GZIP: Final = 31
"""zlib's window bits for gzip. Its header has no time, so the same content gives the same bytes."""


def compressed(content: bytes, level: int = 9) -> bytes:
    return zlib.compress(content, level, _GZIP)


def accepts_gzip(accept_encoding: Iterable[str]) -> bool:
    """`accept_encoding`: the values of all `Accept-Encoding` headers of a request."""
    return accepts_coding(", ".join(accept_encoding), "gzip")


@dataclass(frozen=True)
class StaticFile:
    content: bytes
    media_type: str

    @cached_property
    def compressed(self) -> bytes | None:
        """The content in gzip, None if it is not smaller, like a font."""
        packed = compressed(self.content)
        return packed if len(packed) < len(self.content) else None

    def encoded(self, accept_encoding: Iterable[str]) -> tuple[bytes, dict[str, str]]:
        """The body for a client that accepts these encodings, and the headers that describe it."""
        headers = {"vary": "Accept-Encoding", "content-type": self.media_type}
        if self.compressed is not None and accepts_gzip(accept_encoding):
            return self.compressed, headers | {"content-encoding": "gzip"}
        return self.content, headers
