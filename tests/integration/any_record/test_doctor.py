"""`portalctl doctor` names each fault of a database and what to do about it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from chassis.kafka_access import KafkaAccess
from chassis.postgres.migrate import CHASSIS, migrate
from portalctl import topics
from portalctl.doctor import brokers
from portalctl.doctor.command import examine
from portalctl.doctor.databases import ExaminedDatabase, relay_lock
from portalctl.doctor.findings import CheckResult
from portalctl.local.databases import url_of
from portalctl.local.folder import Folder
from support.databases import ServiceDatabase, fresh_database
from support.ports import free_port

CANARY = "canary-that-may-not-be-shown"
PAYMENTS = Path(__file__).parents[3] / "services/payments/src/payments/migrations"


@pytest.fixture(scope="module")
async def template(postgres_url: str) -> AsyncIterator[ServiceDatabase]:
    """A migrated database of payments."""
    async with fresh_database(postgres_url, "doctor") as database:
        owner = await asyncpg.connect(database.owner_url)
        await migrate(owner, {"chassis": CHASSIS, "payments": PAYMENTS}, urlsplit(database.url).username or "")
        await owner.close()
        yield database


@pytest.fixture
async def payments(template: ServiceDatabase) -> AsyncIterator[asyncpg.Connection]:
    """What a test changes is rolled back."""
    connection = await asyncpg.connect(template.owner_url)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def findings_of(connection: asyncpg.Connection, now: datetime | None = None) -> dict[str, CheckResult]:
    checks = await ExaminedDatabase("payments", connection).checks(*([lambda: now] if now else []))
    return {finding.check: finding for finding in checks}


async def test_a_current_database_without_processes_lacks_only_a_relay(payments: asyncpg.Connection) -> None:
    findings = await findings_of(payments)
    assert {name for name, finding in findings.items() if finding.status != "ok"} == {"relay payments"}
    assert "start a worker of payments" in findings["relay payments"].advice


async def test_the_relays_lock_is_seen(payments: asyncpg.Connection, template: ServiceDatabase) -> None:
    leader = await asyncpg.connect(template.url)
    assert await leader.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", relay_lock("payments"))
    try:
        assert (await findings_of(payments))["relay payments"].status == "ok"
        await payments.execute(
            """
            INSERT INTO outbox (topic, key, value, headers, created_at)
            VALUES ('billing.customers', 'k', 'v', '{}', now() - interval '3 minutes')
            """
        )
        late = (await findings_of(payments))["relay payments"]
        assert (late.status, "waits for 3 min" in late.what) == ("failed", True)
    finally:
        await leader.close()


FAULTS = {
    "quarantine payments": (
        """
        INSERT INTO quarantine (consumer_group, topic, partition, record_offset, value_sha256, headers, error)
        VALUES ('payments.collection', 'billing.invoicing', 0, 7, '', '[]', 'ValueError')
        """,
        "failed",
        "portalctl quarantine list payments",
    ),
    "timers payments": (
        """
        INSERT INTO timers (merchant_id, kind, id, name, due_at)
        VALUES (gen_random_uuid(), 'payment', gen_random_uuid(), 'retry', now() - interval '1 hour')
        """,
        "failed",
        "check that a worker of payments runs",
    ),
    "charges": (
        """
        INSERT INTO attempt (merchant_id, charge_id, invoice_id, customer_id, number, amount_minor, currency, status,
                             started_at, call_at)
        VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 2999, 'USD', 'unknown', now(),
                now() - interval '1 hour')
        """,
        "failed",
        "reaches the provider",
    ),
    "rebuild payments": ("CREATE SCHEMA rebuild_merchant", "warning", "portalctl rebuild payments.merchant"),
    "migrations payments": (
        "INSERT INTO migrations (component, file, sha256) VALUES ('payments', '9999_next.sql', '')",
        "warning",
        "use the portalctl of the release that runs",
    ),
}


@pytest.mark.parametrize("check", FAULTS)
async def test_a_fault_is_named_with_what_to_do(payments: asyncpg.Connection, check: str) -> None:
    statement, status, advice = FAULTS[check]
    await payments.execute(statement)
    findings = await findings_of(payments)
    assert findings[check].status == status
    assert advice in findings[check].advice
    assert {name for name, finding in findings.items() if finding.status != "ok"} == {check, "relay payments"}


async def test_a_timer_is_overdue_by_the_merchants_clock(payments: asyncpg.Connection) -> None:
    merchant = uuid4()
    insert = "INSERT INTO timers VALUES ($1, 'payment', gen_random_uuid(), 'retry', now() + interval '1 hour')"
    await payments.execute(insert, merchant)
    assert (await findings_of(payments))["timers payments"].status == "ok"
    await payments.execute(
        "INSERT INTO projection (merchant_id, name, aggregate, sequence, doc) VALUES ($1, 'merchant', $2, 1, $3)",
        merchant,
        f"merchant-{merchant}",
        '{"clock_offset_seconds": 7200.0}',
    )
    assert (await findings_of(payments))["timers payments"].status == "failed"


async def test_a_missing_migration_ends_the_checks_of_the_database(payments: asyncpg.Connection) -> None:
    await payments.execute("DELETE FROM migrations WHERE file LIKE '0002%' AND component = 'payments'")
    findings = await findings_of(payments)
    assert findings["migrations payments"].status == "failed"
    assert "payments/0002_sandbox.sql" in findings["migrations payments"].what
    assert "python -m payments migrate" in findings["migrations payments"].advice
    assert "charges" not in findings


async def test_a_clock_that_differs_is_a_warning(payments: asyncpg.Connection) -> None:
    assert (await findings_of(payments, datetime.now(UTC) + timedelta(minutes=1)))["clock payments"].status == "warning"


async def test_servers_that_cannot_be_used_are_named_and_the_other_checks_continue(
    template: ServiceDatabase, postgres_url: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    user = urlsplit(template.url).username or ""
    wrong_password = template.url.replace(urlsplit(template.url).password or "", CANARY)
    urls = {
        "subscriptions": f"postgresql://{user}:x@127.0.0.1:{free_port()}/none",
        "payments": template.owner_url,
        "invoicing": url_of(postgres_url, "no_such_database"),
        "portal_gateway": wrong_password,
    }
    missing = KafkaAccess(kafka_bootstrap)
    findings = {each.check: each for each in await examine(Folder(tmp_path / "none"), {}, urls, missing)}
    assert "SUBSCRIPTIONS_DATABASE_URL" in findings["database subscriptions"].advice
    assert findings["database payments"].status == "ok"
    assert "create it" in findings["database invoicing"].advice
    assert findings["topics"].status == "failed"
    assert "portalctl topics apply" in findings["topics"].advice
    assert all(CANARY not in each.what for each in findings.values())


async def test_consumers_that_are_behind_or_past_the_end_are_named(payments: asyncpg.Connection, kafka_bootstrap: str) -> None:
    access = KafkaAccess(kafka_bootstrap)
    await topics.apply(access)
    assert {each.status for each in await brokers.check_topics(access)} == {"ok"}
    [never] = await brokers.check_consumers(access, {"payments": payments})
    assert (never.status, never.what) == ("failed", "has never read")
    insert = """
        INSERT INTO offsets (consumer_group, topic, partition, cluster_id, topic_id, next, target)
        VALUES ('payments.collection', 'billing.invoicing', 0, '', '', $1, 0)
    """
    await payments.execute(insert, 0)
    [level] = await brokers.check_consumers(access, {"payments": payments})
    assert (level.status, level.what) == ("ok", "is 0 records behind")
    await payments.execute("UPDATE offsets SET next = 9")
    [beyond] = await brokers.check_consumers(access, {"payments": payments})
    assert (beyond.status, beyond.what) == ("failed", "has read past the end of billing.invoicing/0")
