"""HTTPS listeners: the same limits as without TLS, and certificates that are replaced while connections are open."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from chassis.http.client import ServiceClient
from chassis.http.connections import ClientConnections, Limits
from chassis.http.problems import Problem
from chassis.http.server import listen, serve
from chassis.service import live_settings
from chassis.service.live_settings import LiveSettings
from chassis.service.settings import ServiceSettings, read_settings
from chassis.tls import CertificateFiles, ListenerCertificate, client_context, trust_added
from support.raw_http import Wire
from support.service import service_key, signer_of
from support.settings import GOOD

GET = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"


async def scheme(request: Request) -> Response:
    return PlainTextResponse(request.url.scheme)


async def unread(_: Request) -> Response:
    return PlainTextResponse("answered before the body was read")


async def large(_: Request) -> Response:
    return Response(bytes(16 * 2**20))


APP = Starlette(routes=[Route("/", scheme), Route("/unread", unread, methods=["POST"]), Route("/large", large)])


class Site:
    """An address with a certificate on disk, and its authority."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.ca_file))
        self.files = CertificateFiles(folder / "certificate.pem", folder / "key.pem")
        self.replace()

    def replace(self, *, half: bool = False) -> None:
        leaf = self.authority.issue_cert("127.0.0.1", "localhost")
        assert self.files.key
        if not half:
            leaf.private_key_pem.write_to_path(str(self.files.key))
        leaf.cert_chain_pems[0].write_to_path(str(self.files.certificate))

    @property
    def settings(self) -> dict[str, str]:
        return {"HTTP_CERTIFICATE_FILE": str(self.files.certificate), "HTTP_KEY_FILE": str(self.files.key)}

    @property
    def context(self) -> ssl.SSLContext:
        return client_context(self.ca_file)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@contextmanager
def live(**settings: str) -> Iterator[LiveSettings[ServiceSettings]]:
    """Valid settings besides these."""
    with pytest.MonkeyPatch.context() as variables:
        for name, value in {**GOOD, **settings}.items():
            variables.setenv(name, value)
        read = partial(read_settings, ServiceSettings)
        yield LiveSettings(read(), read)


@contextmanager
def served(site: Site, limits: Limits | None = None, settings: LiveSettings[ServiceSettings] | None = None) -> Iterator[int]:
    """The port, on an event loop as in production."""
    certificate, listening = ListenerCertificate(site.files), listen("127.0.0.1", 0)
    server = serve(APP, grace_seconds=2, connections=ClientConnections(limits or Limits()), certificate=certificate)

    async def run() -> None:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            if settings is not None:
                settings.on_file_change(certificate.files.all, certificate.reload)
                tasks.create_task(settings.watch(stop))
                await asyncio.sleep(0)
            started.set()
            await server.serve([listening])
            stop.set()

    started = threading.Event()
    thread = threading.Thread(target=uvloop.run, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(20)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server did not stop"


@contextmanager
def served_and_watched(site: Site) -> Iterator[int]:
    """The certificate is read again when its files change."""
    with live(**site.settings) as settings, served(site, settings=settings) as port:
        yield port


@asynccontextmanager
async def connected(port: int, context: ssl.SSLContext | None) -> AsyncIterator[Wire]:
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(Wire, "127.0.0.1", port, ssl=context)
    try:
        yield wire
    finally:
        if not wire.ended:
            wire.transport.abort()
        await asyncio.sleep(0)


async def serial_of(port: int, context: ssl.SSLContext) -> str:
    """The serial number of the certificate that a new connection gets."""
    async with connected(port, context) as wire:
        return serial_number(wire)


def serial_number(wire: Wire) -> str:
    return str(wire.transport.get_extra_info("peercert")["serialNumber"])


async def until_reloaded(logs: list[Any], event: str) -> None:
    async with asyncio.timeout(20):
        while not any(entry["event"] == event for entry in logs):
            await asyncio.sleep(0.01)


@pytest.fixture
def quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_settings, "POLL_SECONDS", 0.02)


async def test_requests_are_answered_over_tls(site: Site) -> None:
    with served(site) as port:
        async with connected(port, site.context) as wire:
            for _ in range(2):
                await wire.send(GET)
                assert (await wire.answer()).body == b"https"


async def test_a_large_response_arrives_whole(site: Site) -> None:
    with served(site) as port:
        async with connected(port, site.context) as wire:
            await wire.send(GET.replace(b"/ ", b"/large ", 1))
            assert len((await wire.answer()).body) == 16 * 2**20


async def test_a_new_certificate_is_used_by_new_connections_and_open_ones_continue(site: Site, quick_checks: None) -> None:
    with served_and_watched(site) as port:
        async with connected(port, site.context) as wire:
            before = serial_number(wire)
            with capture_logs() as logs:
                site.replace()
                await until_reloaded(logs, "settings.reloaded")
            assert await serial_of(port, site.context) != before
            await wire.send(GET)
            assert (await wire.answer()).status == 200
            assert serial_number(wire) == before


async def test_the_earlier_certificate_stays_when_the_new_one_has_no_key(site: Site, quick_checks: None) -> None:
    with served_and_watched(site) as port:
        before = await serial_of(port, site.context)
        with capture_logs() as logs:
            site.replace(half=True)
            await until_reloaded(logs, "settings.not_reloaded")
            await asyncio.sleep(10 * live_settings.POLL_SECONDS)
        assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["settings.not_reloaded"]
        assert await serial_of(port, site.context) == before
        with capture_logs() as logs:
            site.replace()
            await until_reloaded(logs, "settings.reloaded")
        assert await serial_of(port, site.context) != before


async def test_the_earlier_certificate_stays_when_the_file_is_removed(site: Site, quick_checks: None) -> None:
    with served_and_watched(site) as port:
        before = await serial_of(port, site.context)
        with capture_logs() as logs:
            site.files.certificate.unlink()
            await until_reloaded(logs, "settings.not_reloaded")
        assert await serial_of(port, site.context) == before


async def test_a_connection_without_tls_is_closed(site: Site) -> None:
    with served(site) as port:
        async with connected(port, None) as wire:
            await wire.send(GET)
            async with asyncio.timeout(20):
                while not wire.ended:
                    await asyncio.sleep(0.01)
            assert b"HTTP" not in wire.received


async def test_a_client_that_sends_no_handshake_is_cut_off(site: Site) -> None:
    with served(site, Limits(head_seconds=0.5)) as port:
        async with connected(port, None) as wire:
            assert await wire.closed() == b""


async def test_connections_in_their_handshake_count_for_the_limit(site: Site) -> None:
    limits = Limits(connections=2)
    with served(site, limits) as port:
        silent = [await asyncio.get_running_loop().create_connection(Wire, "127.0.0.1", port) for _ in range(8)]
        try:
            async with asyncio.timeout(20):
                while sum(wire.ended for _, wire in silent) < 6:
                    await asyncio.sleep(0.05)
            async with connected(port, site.context) as wire:
                await wire.send(GET)
                assert (await wire.answer()).status == 200
        finally:
            for transport, _ in silent:
                transport.abort()


async def test_the_response_arrives_although_the_body_was_not_read(site: Site) -> None:
    head = b"POST /unread HTTP/1.1\r\nhost: here\r\ncontent-length: 1000000\r\n\r\n"
    with served(site) as port:
        async with connected(port, site.context) as wire:
            await wire.send(head)
            for _ in range(10):
                wire.transport.write(b"a" * 10_000)
                await asyncio.sleep(0)
            answer = await wire.answer()
            assert (answer.status, answer.body) == (200, b"answered before the body was read")


async def test_an_open_handshake_does_not_delay_the_stop(site: Site) -> None:
    with served(site, Limits(head_seconds=600)) as port:
        async with connected(port, None) as wire:
            await asyncio.sleep(0.05)
            assert not wire.ended
    # `served` has waited for the server to stop.


async def test_a_service_is_called_when_its_certificate_comes_from_the_trusted_authority(site: Site) -> None:
    with served(site) as port:
        signer = signer_of(service_key("portal-gateway"))
        client = ServiceClient(f"https://localhost:{port}", "payments", signer, tls=site.context)
        try:
            assert (await client.call("GET", "/")).text == "https"
        finally:
            await client.close()


@pytest.mark.parametrize("reason", ["another authority", "another host name"])
async def test_a_service_with_a_wrong_certificate_is_not_called(site: Site, tmp_path: Path, reason: str) -> None:
    signer = signer_of(service_key("portal-gateway"))
    if reason == "another authority":
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(other))
        context = client_context(other)
    else:
        leaf = site.authority.issue_cert("payments.example")
        assert site.files.key
        leaf.private_key_pem.write_to_path(str(site.files.key))
        leaf.cert_chain_pems[0].write_to_path(str(site.files.certificate))
        context = site.context
    with served(site) as port:
        client = ServiceClient(f"https://localhost:{port}", "payments", signer, tls=context)
        try:
            with pytest.raises(Problem) as refused:
                await client.call("POST", "/")
            assert (refused.value.status, refused.value.code) == (503, "service_unavailable")
        finally:
            await client.close()


async def test_an_authority_that_is_added_to_the_file_is_trusted(site: Site, quick_checks: None, tmp_path: Path) -> None:
    """So the certificates of all services can move to a new authority without a restart."""
    trusted = tmp_path / "trusted.pem"
    trustme.CA().cert_pem.write_to_path(str(trusted))
    context, stop = client_context(trusted), asyncio.Event()
    with live(SERVICES_CA_FILE=str(trusted)) as settings, served(site) as port:
        settings.on_file_change([trusted], partial(trust_added, context, trusted))
        reloading = asyncio.create_task(settings.watch(stop))
        await asyncio.sleep(0)
        async with httpx.AsyncClient(verify=context, trust_env=False) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"https://localhost:{port}/")
            with capture_logs() as logs:
                trusted.write_bytes(trusted.read_bytes() + site.ca_file.read_bytes())
                await until_reloaded(logs, "settings.reloaded")
            assert (await client.get(f"https://localhost:{port}/")).text == "https"
        stop.set()
        await reloading
