"""Files that a customer downloads."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypedDict

ExportFormat = Literal["csv", "zip", "ndjson"]


@dataclass(frozen=True, slots=True)
class DownloadedDocument:
    """A complete file."""

    content: bytes
    media_type: str
    filename: str | None


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is passed on while its service produces it. Iterating raises if the service fails midway: abort the connection.

    The receiver calls `over` at the end, whether it has started to iterate or not.
    """

    chunks: AsyncGenerator[bytes]
    over: Callable[[], Awaitable[None]]
    media_type: str
    filename: str


class ExportProgress(TypedDict):
    """Progress in documents: invoices and credit notes. A file without documents has no progress."""

    done: int
    total: int
