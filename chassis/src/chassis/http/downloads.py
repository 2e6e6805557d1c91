"""Files that are handed out: named so that every browser saves them under that name, and sent while they are made."""

import unicodedata
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Literal
from urllib.parse import quote

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

_UNSAFE = frozenset('/\\:*?"<>|;%')
"""What some system takes for more than a letter of a name, or some browser for the end of one."""


def named(filename: str, how: Literal["attachment", "inline"] = "attachment") -> dict[str, str]:
    """The headers of a personal file (RFC 6266): its name in any script, in ASCII for those who know no other; kept nowhere."""
    safe = _harmless(filename).strip(" .") or "_"
    # once more: of a full-width quote, slash or dot the plain one has become
    plain = _harmless(unicodedata.normalize("NFKD", safe).encode("ascii", "ignore").decode()).rstrip(" .") or "_"
    star = "" if plain == safe else f"; filename*=UTF-8''{quote(safe, safe='')}"
    return {
        "content-disposition": f'{how}; filename="{plain}"{star}',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }


def _harmless(name: str) -> str:
    return "".join("_" if c in _UNSAFE or unicodedata.category(c).startswith("C") else c for c in name)


class Sending(StreamingResponse):
    """A file that is sent while it is made. An error on the way breaks the connection off, so that no short file looks whole.

    `ended` is called once the last byte is sent, an error has happened or nobody listens any more: also when the stream
    has not even begun. Until then the file's making is this response's.
    """

    def __init__(
        self, chunks: AsyncGenerator[bytes], ended: Callable[[], Awaitable[object]], filename: str, media_type: str
    ) -> None:
        super().__init__(chunks, headers=named(filename), media_type=media_type)
        self._chunks, self._ended = chunks, ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            try:
                await self._chunks.aclose()
            finally:
                await self._ended()
