"""The database is restored from a backup of before the last writes, while Kafka and the provider remember them."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from portalctl.local.postgres import binaries
from support.cluster.faults import FULL, ClusterInUse
from support.recovery import OWNERS, event_ids, keep_provider_books, provider_books, violated
from support.system_stack import eventually, shop

pytestmark = [pytest.mark.timeout(900), pytest.mark.skipif(not FULL, reason="part of make test-deploy FULL=1")]
_WRITES = 100


async def test_a_backup_is_restored_and_reconciled(used: ClusterInUse, tmp_path: Path) -> None:
    """Lost writes are listed, their streams blocked, erasures applied again, pages served; nothing is charged twice."""
    cluster, people = used.cluster, [*used.changing, *used.renewing]
    databases = {name: cluster.database_url(name) for name in OWNERS}
    if cluster.replicas.python != sys.executable:  # the test of the upgrade did not run before
        await cluster.replicas.stop()
        await cluster.migrate()
        cluster.replicas.python = sys.executable
        await cluster.replicas.start()
        await cluster.finish_upgrade()
    async with shop(cluster.stack) as other:
        erased = await other.customer()
        backup, own_files = tmp_path / "backup", {"PORTAL_FOLDER": str(tmp_path / "own")}
        programs = f"{binaries()}{os.pathsep}{os.environ['PATH']}"  # those of the system may be of an older version
        async with cluster.postgres.without_tls() as url:
            await done(used, "backup", str(backup), "--without-secrets", **own_files, PORTAL_POSTGRES_URL=url, PATH=programs)
        await used.renew()
        await other.backend.call("subscriptions", "DELETE", f"/v1/customers/{erased.id}")
        await done(used, "verify")  # everything has been sent and read
        known, books = await event_ids(databases), await provider_books(databases["payments"])
        charges = {each.customer.id: await each.customer.charges() for each in people}

        await cluster.replicas.stop()
        restored = cluster.folder.root / "restored"
        await done(used, "restore", str(backup), "--to", str(restored), "--yes", **own_files)
        await cluster.postgres.replace_data(restored)
        lost = known - await event_ids(databases)
        await keep_provider_books(databases["payments"], books)
        report = json.loads(await done(used, "reconcile", "--yes", "--json", **own_files))
        assert {each["event_id"] for each in report["lost_writes"]} == lost
        assert len(lost) >= _WRITES
        assert report["erased_again"] == [{"merchant_id": other.id, "customer_id": erased.id}]

        await cluster.replicas.start()
        await asyncio.gather(*(eventually(each.read, lambda page: page is not None) for each in people))
        verified = await cluster.portalctl("verify", "--limit", "10000")
        assert set(violated(verified.stdout)) == {"I18"}, verified.stdout + verified.stderr
        blocked = {each["stream"] for each in report["blocked_streams"]}
        assert {line.split()[1] for line in violated(verified.stdout)["I18"]} == blocked
        assert {each["stream"] for each in report["lost_writes"]} == blocked
        assert {each.customer.id: await each.customer.charges() for each in people} == charges


async def done(used: ClusterInUse, *words: str, **variables: str) -> str:
    ended = await used.cluster.portalctl(*words, **variables)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
