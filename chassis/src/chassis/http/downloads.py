"""Downloads: headers with a file name that every browser accepts, and files that are sent while they are generated."""

import unicodedata
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Literal
from urllib.parse import quote

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

_UNSAFE = frozenset('/\\:*?"<>|;%')
"""Characters with a special meaning in file names of some system, or in headers for some browser."""


def download_headers(filename: str, how: Literal["attachment", "inline"] = "attachment") -> dict[str, str]:
    """Headers of a personal file (RFC 6266): its name in UTF-8 and an ASCII fallback; the file must not be cached."""
    safe = _sanitized(filename).strip(" .") or "_"
    # Again, because NFKD turns a full-width quote, slash or dot into a plain one.
    plain = _sanitized(unicodedata.normalize("NFKD", safe).encode("ascii", "ignore").decode()).rstrip(" .") or "_"
    star = "" if plain == safe else f"; filename*=UTF-8''{quote(safe, safe='')}"
    return {
        "content-disposition": f'{how}; filename="{plain}"{star}',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }


def _sanitized(name: str) -> str:
    return "".join("_" if c in _UNSAFE or unicodedata.category(c).startswith("C") else c for c in name)


class StreamedDownload(StreamingResponse):
    """A file that is sent while it is generated. An error aborts the connection, so that a truncated file does not look complete.

    `ended` is called after the last byte, after an error or when the client disconnects, even if the stream has not started.
    """

    def __init__(
        self, chunks: AsyncGenerator[bytes], ended: Callable[[], Awaitable[object]], filename: str, media_type: str
    ) -> None:
        super().__init__(chunks, headers=download_headers(filename), media_type=media_type)
        self._chunks, self._ended = chunks, ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            try:
                await self._chunks.aclose()
            finally:
                await self._ended()
