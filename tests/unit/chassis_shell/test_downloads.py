"""Downloads: their file names, and that the end of each one is reported once."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message, Receive, Scope, Send

from chassis.http.downloads import StreamedDownload, download_headers

SCOPE: Scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "asgi": {"spec_version": "2.3"}}


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        ("historial-de-pagos.csv", 'filename="historial-de-pagos.csv"'),
        ("relevé.csv", "filename=\"releve.csv\"; filename*=UTF-8''relev%C3%A9.csv"),
        ("請求書.zip", "filename=\".zip\"; filename*=UTF-8''%E8%AB%8B%E6%B1%82%E6%9B%B8.zip"),
        ("../../etc/passwd", 'filename="_.._etc_passwd"'),
        ('a"b\\c;d%22.csv', 'filename="a_b_c_d_22.csv"'),
        ("a\r\nSet-Cookie: x=y.csv", 'filename="a__Set-Cookie_ x=y.csv"'),
        ("\u202efdp.exe", 'filename="_fdp.exe"'),
        ("...", 'filename="_"'),
        (
            "a\uff02\uff1b\uff0fb\uff3c.csv",
            "filename=\"a___b_.csv\"; filename*=UTF-8''a%EF%BC%82%EF%BC%9B%EF%BC%8Fb%EF%BC%BC.csv",
        ),
        ("\uff0e\uff0e\uff0e", "filename=\"_\"; filename*=UTF-8''%EF%BC%8E%EF%BC%8E%EF%BC%8E"),
    ],
)
def test_a_file_name_in_any_script_is_safe_in_the_header(filename: str, header: str) -> None:
    assert download_headers(filename)["content-disposition"] == f"attachment; {header}"


def test_a_personal_file_is_not_cached_or_sniffed() -> None:
    headers = download_headers("TS-000014.pdf", "inline")
    assert headers["content-disposition"].startswith("inline;")
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


class Generated:
    """A file that is being generated."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails, self.overs, self.closed = fails, 0, False
        self.begun = asyncio.Event()

    async def chunks(self) -> AsyncGenerator[bytes]:
        self.begun.set()
        try:
            for _ in range(1000):
                yield b"x"
                await asyncio.sleep(0)
                if self.fails:
                    raise ValueError("the making fails")
        finally:
            self.closed = True

    async def over(self) -> None:
        self.overs += 1

    async def sent(self, receive: Receive, send: Send) -> None:
        await StreamedDownload(self.chunks(), self.over, "a.zip", "application/zip")(SCOPE, receive, send)


async def stays() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def leaves() -> Message:
    return {"type": "http.disconnect"}


async def takes(_: Message) -> None: ...


async def test_ended_is_called_once_after_the_last_byte() -> None:
    file, sent = Generated(), []

    async def send(message: Message) -> None:
        sent.append(message)

    await file.sent(stays, send)
    assert (file.overs, file.closed) == (1, True)
    assert (len(sent), sent[-1]["more_body"]) == (1002, False)


async def test_an_error_midway_is_raised_before_the_end_is_sent() -> None:
    file, sent = Generated(fails=True), []

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(ValueError, match="the making fails"):
        await file.sent(stays, send)
    assert (file.overs, file.closed) == (1, True)
    assert sent[-1]["more_body"]


async def test_generation_stops_when_the_client_disconnects() -> None:
    file = Generated()

    async def disconnects() -> Message:
        await file.begun.wait()
        return {"type": "http.disconnect"}

    await file.sent(disconnects, takes)
    assert (file.overs, file.closed) == (1, True)


async def test_ended_is_called_if_the_client_left_before_the_start() -> None:
    file = Generated()

    async def never(_: Message) -> None:
        await asyncio.Event().wait()

    await file.sent(leaves, never)
    assert file.overs == 1
