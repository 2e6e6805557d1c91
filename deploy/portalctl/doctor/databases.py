"""Each service's database: reachable, current, and without work that waits too long."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import asyncpg

from chassis.outbox.leader_lock import IDLE_MS
from chassis.postgres.migrate import pending_migrations
from portalctl.doctor.findings import CheckResult, failed, ok, spoken, warning
from portalctl.local.migrations import components
from portalctl.local.services import SERVICES
from portalctl.rebuild.due import COMMAND

SKEW_MAX = timedelta(seconds=5)
RELAY_LAG_MAX = timedelta(seconds=15)
TIMER_LAG_MAX = timedelta(minutes=2)
UNKNOWN_AGE_MAX = timedelta(minutes=15)
_MAJOR_VERSION = 18


def relay_lock(service: str) -> str:
    """The name of the advisory lock of the process that relays."""
    return f"{service}.relay"


@dataclass(frozen=True)
class ExaminedDatabase:
    name: str
    connection: asyncpg.Connection

    @property
    def service(self) -> str:
        return self.name.replace("_", "-")

    @property
    def components(self) -> dict[str, Path]:
        return components(next(kind for kind in SERVICES if kind.package == self.name))

    async def checks(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> list[CheckResult]:
        findings = [await self._server(), await self._clock(now), await self._migrations()]
        if any(finding.status == "failed" and finding.check.startswith("migrations") for finding in findings):
            return findings  # the tables of the other checks may not exist
        findings.append(await self._quarantine())
        if self.name != "portal_gateway":
            findings += [await self._relay(), await self._timers()]
        if self.name == "payments":
            findings += [await self._unknown_charges(), await self._provider_accounts()]
        if self.name == "portal_gateway":
            findings += [await self._views(), *await self._due_rebuilds()]
        return [*findings, *await self._interrupted_rebuilds()]

    async def _server(self) -> CheckResult:
        check = f"database {self.service}"
        row = await self._row(
            """
            SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
                current_setting('transaction_read_only') AS read_only, (
                    SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl
                ) AS tls
            """
        )
        how = f"PostgreSQL {row['version']} answers, {row['tls'] or 'without TLS'}"
        if row["read_only"] == "on":
            advice = "add target_session_attrs=read-write to the URL, or promote a standby"
            return failed(check, f"{how}, and is read-only", advice)
        if row["major"] < _MAJOR_VERSION:
            return failed(check, how, f"PostgreSQL {_MAJOR_VERSION} or later is needed")
        return ok(check, how)

    async def _clock(self, now: Callable[[], datetime]) -> CheckResult:
        """The half of the round trip is the uncertainty."""
        before = now()
        there: datetime = await self.connection.fetchval("SELECT clock_timestamp()")
        after = now()
        skew = max(before - there, there - after, timedelta())
        check, what = f"clock {self.service}", f"the server's clock differs from this machine's by {skew.total_seconds():.1f} s"
        if skew > SKEW_MAX:
            return warning(check, what, "synchronize the clocks of all machines (NTP): timers and links depend on them")
        return ok(check, what)

    async def _migrations(self) -> CheckResult:
        check = f"migrations {self.service}"
        pending = await pending_migrations(cast(Any, self.connection), self.components)
        if pending:
            return failed(
                check, f"not applied: {', '.join(pending)}", f"run `python -m {self.name} migrate` with the owner's role"
            )
        packaged = {(component, file.name) for component, folder in self.components.items() for file in folder.glob("*.sql")}
        rows = await self.connection.fetch("SELECT component, file FROM migrations ORDER BY 1, 2")
        if newer := [f"{row['component']}/{row['file']}" for row in rows if (row["component"], row["file"]) not in packaged]:
            return warning(check, f"applied by another release: {', '.join(newer)}", "use the portalctl of the release that runs")
        return ok(check, f"all {len(packaged)} are applied, none of another release")

    async def _quarantine(self) -> CheckResult:
        row = await self._row(
            "SELECT count(*) AS count, min(quarantined_at) AS oldest FROM quarantine WHERE state IN ('kept', 'retry', 'discard')"
        )
        check = f"quarantine {self.service}"
        if row["count"]:
            what = f"{row['count']} records since {row['oldest']:%Y-%m-%d %H:%M}Z"
            return failed(check, what, f"portalctl quarantine list {self.service}")
        return ok(check, "no record")

    async def _relay(self) -> CheckResult:
        check = f"relay {self.service}"
        row = await self._row(
            """
            SELECT (
                SELECT now() - min(recorded_at) FROM events
                WHERE (events.epoch, events.xid, events.position) > (relay.epoch, relay.xid, relay.position)
            ) AS lag, (SELECT now() - min(created_at) FROM outbox) AS states_lag, EXISTS (
                SELECT FROM pg_locks
                WHERE locktype = 'advisory' AND granted AND objsubid = 1
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                    AND (classid::bigint << 32) | objid::bigint = hashtextextended($1, 0)
            ) AS led FROM relay
            """,
            relay_lock(self.service),
        )
        lag = max((each for each in (row["lag"], row["states_lag"]) if each is not None), default=timedelta())
        if not row["led"]:
            what = f"no process relays; the oldest message waits for {spoken(lag)}" if lag else "no process relays"
            advice = f"start a worker of {self.service}; a dead leader's lock is released after {IDLE_MS // 1000} s"
            return failed(check, what, advice)
        if lag > RELAY_LAG_MAX:
            advice = f"check Kafka, and the log of the workers of {self.service} for relay.*"
            return failed(check, f"a process relays, and the oldest message waits for {spoken(lag)}", advice)
        return ok(check, f"one process relays, the oldest message waits for {spoken(lag)}")

    async def _timers(self) -> CheckResult:
        """By the merchants' clocks, which a sandbox may have moved."""
        check = f"timers {self.service}"
        row = await self._row(
            """
            SELECT count(*) AS count, max(late) AS latest FROM (
                SELECT
                    now() + make_interval(secs => coalesce((merchant.doc ->> 'clock_offset_seconds')::float, 0)) - due_at AS late
                FROM timers LEFT JOIN projection AS merchant ON merchant.merchant_id = timers.merchant_id
                    AND merchant.name = 'merchant' AND merchant.aggregate = 'merchant-' || timers.merchant_id
            ) AS timer WHERE late > $1
            """,
            TIMER_LAG_MAX,
        )
        if row["count"]:
            what = f"{row['count']} are overdue, the oldest for {spoken(row['latest'])}"
            return failed(check, what, f"check that a worker of {self.service} runs, and its log for timer.*")
        return ok(check, "none is overdue")

    async def _unknown_charges(self) -> CheckResult:
        row = await self._row(
            "SELECT count(*) AS count, max(now() - call_at) AS late FROM attempt WHERE status = 'unknown'",
        )
        check = "charges"
        if row["count"] and row["late"] > UNKNOWN_AGE_MAX:
            what = f"{row['count']} charges have an unknown outcome, and one was not checked for {spoken(row['late'])}"
            return failed(check, what, "check that a worker of payments runs and reaches the provider")
        if row["count"]:
            return warning(check, f"{row['count']} charges have an unknown outcome", "none: the provider is asked again")
        return ok(check, "no charge has an unknown outcome")

    async def _provider_accounts(self) -> CheckResult:
        rows = await self.connection.fetch(
            """
            SELECT merchant_id, mode, refused_status, refused_at FROM stripe_account
            WHERE state = 'refused' ORDER BY refused_at
            """
        )
        check = "provider accounts"
        if rows:
            each = (
                f"{row['merchant_id']} ({row['mode']} mode, {row['refused_status']} since {row['refused_at']:%Y-%m-%d %H:%M}Z)"
                for row in rows
            )
            advice = "the merchants connect new keys with PUT /v1/payment-provider: docs/payments.md"
            return failed(check, f"Stripe refuses the keys of {', '.join(each)}", advice)
        return ok(check, "no key of a merchant's account is refused")

    async def _views(self) -> CheckResult:
        row = await self._row(
            """
            SELECT (SELECT count(*) FROM customer_view WHERE doc IS NULL) AS empty,
                (SELECT count(*) FROM projection WHERE stale_since < now() - interval '1 minute') AS stale
            """
        )
        if row["empty"] or row["stale"]:
            what = f"{row['empty']} pages wait to be composed, {row['stale']} documents miss an event"
            return warning("pages", what, "portalctl quarantine list portal-gateway, then portalctl rebuild")
        return ok("pages", "every page is composed, no document misses an event")

    async def _due_rebuilds(self) -> list[CheckResult]:
        rows = await self.connection.fetch("SELECT projection FROM due_rebuild ORDER BY 1")
        names = ", ".join(row["projection"] for row in rows)
        what = f"documents have the form of an earlier release: {names}"
        return [warning(f"rebuild {self.service}", what, COMMAND)] if rows else []

    async def _interrupted_rebuilds(self) -> list[CheckResult]:
        rows = await self.connection.fetch("SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'rebuild\\_%' ORDER BY 1")
        return [
            warning(
                f"rebuild {self.service}",
                f"an unfinished rebuild keeps documents in the schema {row['name']}",
                f"portalctl rebuild {self.service}.{row['name'].removeprefix('rebuild_')}",
            )
            for row in rows
        ]

    async def _row(self, query: str, *parameters: Any) -> asyncpg.Record:
        row = await self.connection.fetchrow(query, *parameters)
        assert row is not None
        return row
