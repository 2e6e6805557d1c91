"""A backup is restored after about a hundred more writes, later Kafka is lost: every loss is listed, nothing is charged twice."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from chassis.service.settings import read_settings
from portalctl.demo.backend import Backend
from portalctl.local.errors import StackError
from portalctl.local.folder import Folder
from portalctl.recovery.reconcile import reconciliation
from portalctl.recovery.servers import recovery_servers
from portalctl.settings import Settings
from support.recovery import event_ids, keep_provider_books, provider_books, rows, violated
from support.system_stack import CARDS, Customer, Json, Shop, Stack, eventually, running, shop

pytestmark = pytest.mark.timeout(400)


@dataclass
class Written:
    """A running system, backed up, and changed since then."""

    stack: Stack
    shop: Shop
    backup: Path
    cancelled: Customer
    """Cancelled after the backup."""
    changed: Customer
    """Has another card since then."""
    erased: Customer
    """Erased since then; with a portal link of before."""
    new: list[Customer]
    """Since then."""


@dataclass
class Restored(Written):
    """The system after the restore and its reconciliation."""

    lost_ids: set[str]
    """The events of the stores that the backup lacks."""
    charges: list[Json]
    """The provider's ledger before the restore."""
    report: Json
    personal_rows: int
    """Rows about the erased customer with personal data, after the reconciliation and before any service started."""


def ran(stack: Stack, *words: str) -> str:
    done = stack.portalctl(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
async def written(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Written]:
    backup: Path = tmp_path_factory.mktemp("backup") / "made"
    folder: Path = tmp_path_factory.mktemp("restored") / "portal"
    async with running(folder) as stack, shop(stack) as own_shop:
        cancelled, changed, erased = [await own_shop.customer() for _ in range(3)]
        assert await own_shop.backend.portal_link(erased.id)
        await asyncio.to_thread(ran, stack, "backup", str(backup), "--with-secrets")
        async with cancelled.portal() as visit:
            assert (await visit.cancel(mode="at_period_end")).status_code == 202
        async with changed.portal() as visit:
            assert (await visit.change_card(CARDS["mastercard"])).status_code == 200
        new = [await own_shop.customer() for _ in range(12)]
        await own_shop.backend.call("subscriptions", "DELETE", f"/v1/customers/{erased.id}")
        yield Written(stack, own_shop, backup, cancelled, changed, erased, new)


@pytest.fixture(scope="module")
async def restored(written: Written) -> Restored:
    stack = written.stack
    await asyncio.to_thread(ran, stack, "verify")  # everything has been sent and read
    databases = stack.state["postgres"]
    known = await event_ids(databases)
    books = await provider_books(databases["payments"])
    charges = (await stack.ledger(written.shop.id))["charges"]
    await asyncio.to_thread(ran, stack, "down")
    await asyncio.to_thread(ran, stack, "restore", str(written.backup), "--set-aside", "--yes")
    async with recovery_servers(Folder(stack.folder), read_settings(Settings)) as servers:
        lost = known - await event_ids(servers.databases)
        await keep_provider_books(servers.databases["payments"], books)
        async with reconciliation(servers) as work:
            report = await work.apply(await work.examine(), adopting=False, erase_vanished=False)
        personal = await personal_rows(servers.databases, written.erased)
    return Restored(**vars(written), lost_ids=lost, charges=charges, report=report.document(), personal_rows=personal)


@pytest.fixture(scope="module")
async def started(restored: Restored) -> AsyncIterator[Restored]:
    async with up(restored):
        yield restored


@asynccontextmanager
async def up(restored: Restored) -> AsyncIterator[None]:
    """Start the stack again. Its ports may be others: another stack can have taken them in the meantime."""
    await asyncio.to_thread(ran, restored.stack, "up", "--detach")
    async with Backend(restored.stack.urls, restored.shop.backend.key) as backend:
        restored.shop.backend = backend
        yield


async def personal_rows(databases: Mapping[str, str], customer: Customer) -> int:
    sql = {
        "subscriptions": "SELECT FROM customers WHERE id::text = $1 AND (name IS NOT NULL OR email IS NOT NULL)",
        "invoicing": "SELECT FROM projection WHERE aggregate = 'customer-' || $1",
        "portal_gateway": """
            SELECT FROM projection WHERE aggregate = 'customer-' || $1
            UNION ALL SELECT FROM portal_link WHERE customer_id::text = $1
            """,
    }
    return sum([len(await rows(databases[name], query, customer.id)) for name, query in sql.items()])


def test_a_backup_is_complete_and_never_overwritten(written: Written) -> None:
    content = json.loads((written.backup / "backup.json").read_text())
    assert (content["secrets"], (written.backup / "secrets.json").exists()) == ("included", True)
    again = written.stack.portalctl("backup", str(written.backup), "--with-secrets")
    assert again.returncode == 2
    assert "exists" in again.stderr
    while_it_runs = written.stack.portalctl("restore", str(written.backup), "--yes")
    assert while_it_runs.returncode == 1
    assert "portalctl down" in while_it_runs.stderr


def test_every_lost_write_is_listed_with_its_amount(restored: Restored) -> None:
    listed = restored.report["lost_writes"]
    assert {each["event_id"] for each in listed} == restored.lost_ids
    assert len(listed) > 95
    invoices = [each for each in listed if each["type"].startswith("billing.invoicing.InvoiceIssued")]
    assert [(each["amount_minor"], each["currency"]) for each in invoices] == [(2999, "USD")] * len(restored.new)
    assert restored.report["lost_amounts"]["PaymentSucceeded"] == {"USD": 2999 * len(restored.new)}


def test_the_erasure_is_applied_before_any_service_starts(restored: Restored) -> None:
    assert restored.report["erased_again"] == [{"merchant_id": restored.shop.id, "customer_id": restored.erased.id}]
    assert restored.personal_rows == 0


async def test_an_erased_customer_stays_erased(started: Restored) -> None:
    with pytest.raises(StackError, match="answered 404"):
        await started.shop.backend.call("subscriptions", "GET", f"/v1/customers/{started.erased.id}")


async def test_commands_to_a_blocked_stream_get_a_problem_of_their_own(started: Restored) -> None:
    for customer in (started.cancelled, started.new[0]):
        async with customer.portal() as visit:
            answer = await visit.cancel(mode="at_period_end")
        assert (answer.status_code, answer.json()["code"]) == (409, "under_review"), answer.text


async def test_nothing_is_charged_twice_and_numbers_continue(started: Restored) -> None:
    later = await started.shop.customer()
    [issued] = await later.invoices()
    assert int(issued["number"].rpartition("-")[2]) == 3 + len(started.new) + 1
    charges = (await started.stack.ledger(started.shop.id))["charges"]
    before = {each["charge_id"] for each in started.charges}
    assert before <= {each["charge_id"] for each in charges}
    assert [each["customer_id"] for each in charges if each["charge_id"] not in before] == [later.id]


async def test_verify_reports_exactly_the_streams_under_review(started: Restored) -> None:
    done = await asyncio.to_thread(started.stack.portalctl, "verify", "--limit", "1000")
    assert done.returncode == 1, done.stderr
    assert set(violated(done.stdout)) == {"I18"}
    blocked = {each["stream"] for each in started.report["blocked_streams"]}
    assert {line.split()[1] for line in violated(done.stdout)["I18"]} == blocked
    assert blocked == {each["stream"] for each in started.report["lost_writes"]}


async def test_a_released_stream_continues_after_the_lost_events(started: Restored) -> None:
    stream, merchant = f"subscription-{started.cancelled.subscription}", started.shop.id
    reason = "the customer confirmed the cancellation"
    words = "blocked", "release", "subscriptions", stream, "--merchant", merchant, "--reason", reason, "--yes"
    await asyncio.to_thread(ran, started.stack, *words)
    lost = [each["sequence"] for each in started.report["lost_writes"] if each["stream"] == stream]
    async with started.cancelled.portal() as visit:
        answer = await visit.cancel(mode="at_period_end")
        assert (answer.status_code, answer.json()["version"]) == (202, max(lost) + 1), answer.text
        await visit.sees(lambda shown: shown["subscriptions"][0]["status"] == "canceling" or not shown["stale"])
    again = await asyncio.to_thread(started.stack.portalctl, *words)
    assert again.returncode == 1
    assert "is not blocked" in again.stderr


async def test_after_kafka_is_lost_the_topics_are_made_again(started: Restored) -> None:
    stack = started.stack
    charges = (await stack.ledger(started.shop.id))["charges"]
    await asyncio.to_thread(ran, stack, "down")
    shutil.rmtree(Folder(stack.folder).kafka)
    refilled = json.loads(await asyncio.to_thread(ran, stack, "topics", "refill", "--yes", "--json"))
    assert refilled["tombstones"] == 1
    async with up(started):
        done = await asyncio.to_thread(stack.portalctl, "verify", "--limit", "1000")
        assert set(violated(done.stdout)) == {"I18"}, done.stdout + done.stderr
        assert (await stack.ledger(started.shop.id))["charges"] == charges
        async with started.changed.portal() as visit:
            await eventually(visit.overview, lambda shown: bool(shown["invoices"]))
