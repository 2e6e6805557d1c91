"""The same system with the TLS overlay: every connection is encrypted, and each service has a user of its own in Kafka."""

import asyncio
import json
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from chassis.tls import client_context
from support.browsing import chrome, watched_page
from support.containers.images import ROOT, SERVICES, Images
from support.containers.system import System, running_system
from support.portal_page.page_objects import Visitor

OVERLAY = ROOT / "deploy/compose/compose.tls.yaml"
NOT_A_WRITER = """\
import asyncio, os
from pathlib import Path
from aiokafka import AIOKafkaProducer
from chassis.kafka_access import KafkaAccess

async def main():
    password = Path(os.environ["KAFKA_PASSWORD_FILE"]).read_text()
    ca = Path(os.environ["KAFKA_CA_FILE"])
    access = KafkaAccess("kafka:9092", "SASL_SSL", username="portal-gateway", password=password, ca_file=ca)
    async with AIOKafkaProducer(**access.options()) as producer:
        await producer.send_and_wait("billing.subscriptions", b"forged")

asyncio.run(main())
"""

pytestmark = [
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not os.environ.get("FULL"), reason="FULL=1 runs it: it starts the whole system a second time"),
]


@pytest.fixture(scope="module")
def system(images: Images) -> Iterator[System]:
    with running_system(images, OVERLAY, scheme="https") as system:
        yield system


@pytest.fixture(scope="module")
def demo(system: System) -> dict[str, Any]:
    created: dict[str, Any] = json.loads(system.portalctl("demo", "--against", "-", "--yes", "--json").stdout)
    return created


@pytest.fixture(scope="module")
def authority(system: System, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    file: Path = tmp_path_factory.mktemp("authority") / "ca.pem"
    file.write_text(system.execute("portal-gateway", "print(open('/portal/authority/ca.pem').read())"))
    return client_context(file)


def serial_number(address: tuple[str, int], authority: ssl.SSLContext) -> str:
    """Of the certificate that a new connection gets. Raises ssl.SSLError."""
    with (
        socket.create_connection(address, timeout=20) as line,
        authority.wrap_socket(line, server_hostname=address[0]) as connection,
    ):
        return str((connection.getpeercert() or {})["serialNumber"])


def test_the_public_addresses_have_certificates_that_a_strict_client_accepts(system: System, authority: ssl.SSLContext) -> None:
    assert serial_number(("127.0.0.1", system.ports["portal"]), authority)
    assert serial_number(("localhost", system.ports["cards"]), authority)


def test_no_server_and_no_service_answers_without_tls(system: System) -> None:
    with socket.create_connection((system.address("subscriptions"), 8080), timeout=20) as line:
        line.sendall(b"GET / HTTP/1.1\r\nhost: subscriptions\r\n\r\n")
        with suppress(ConnectionResetError):
            assert b"HTTP/" not in line.recv(100)
    source = (
        "import asyncio, asyncpg; asyncio.run(asyncpg.connect(open('/portal/own/DATABASE_URL').read().split('?')[0], ssl=False))"
    )
    assert "no pg_hba.conf entry" in system.execute("payments", source, check=False)


def test_a_service_cannot_write_the_topic_of_another_one(system: System) -> None:
    refused = system.execute("portal-gateway", NOT_A_WRITER, check=False)
    assert "AuthorizationFailed" in refused


async def test_the_page_of_the_demo_opens_in_a_browser(system: System, demo: dict[str, Any]) -> None:
    assert demo["portal_url"].startswith("https://")
    async with (
        chrome() as browser,
        watched_page(browser, lambda message: message.type == "error", ignore_https_errors=True) as page,
    ):
        portal = await Visitor(page, demo["portal_url"]).enter()
        await expect(portal.summary).to_contain_text("29.99 USD")
        await expect(portal.invoices.get_by_role("listitem")).to_have_count(12)
        dialog = await portal.edit_card()
        await expect(dialog.number).to_be_visible()


def test_the_invariants_hold(system: System, demo: dict[str, Any]) -> None:
    assert demo["customers"]
    system.portalctl("verify")


async def test_new_certificates_are_used_without_a_restart(system: System, authority: ssl.SSLContext) -> None:
    """`portalctl certificates` replaces lost files, and the services read them again."""
    public, internal = ("127.0.0.1", system.ports["portal"]), "subscriptions"
    before = serial_number(public, authority), internal_serial_number(system, internal)
    started = {name: one["State"]["StartedAt"] for name, one in system.containers().items() if name in SERVICES}
    lose = f"import os; [os.unlink(f'/portal/{{name}}/tls.pem') for name in ('portal-gateway', '{internal}')]"
    system.compose("run", "--rm", "-T", "--entrypoint", "python", "certificates", "-c", lose)
    system.compose("run", "--rm", "-T", "certificates")
    async with asyncio.timeout(120):
        while serial_number(public, authority) == before[0] or internal_serial_number(system, internal) == before[1]:
            await asyncio.sleep(0.5)
    assert {name: system.containers()[name]["State"]["StartedAt"] for name in SERVICES} == started


def internal_serial_number(system: System, service: str) -> str:
    """As the gateway's container, with its Python, receives it. Raises AssertionError if the certificate is not accepted."""
    return system.execute(
        "portal-gateway",
        "import socket, ssl; context = ssl.create_default_context(cafile='/portal/authority/ca.pem'); "
        f"line = context.wrap_socket(socket.create_connection(('{service}', 8080)), server_hostname='{service}'); "
        "print(line.getpeercert()['serialNumber'])",
    )
