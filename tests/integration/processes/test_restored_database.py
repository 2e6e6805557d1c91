"""A service does not start on a restored database before it was reconciled."""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import asyncpg
import pytest

from chassis.postgres.migrate import CHASSIS, migrate
from portalctl.service_settings import SETTINGS
from support.databases import fresh_database
from support.settings import GOOD


@pytest.mark.parametrize("role", ["all", "http", "worker"])
async def test_a_marked_database_is_refused_by_name(postgres_url: str, role: str) -> None:
    async with fresh_database(postgres_url) as database:
        owner = await asyncpg.connect(database.owner_url)
        try:
            await migrate(owner, {"chassis": CHASSIS}, urlsplit(database.url).username or "")
            await owner.execute("INSERT INTO restoration (note) VALUES ('from the backup of Tuesday')")
        finally:
            await owner.close()
        ended = _serve("subscriptions", {"DATABASE_URL": database.url}, role)
    assert ended.returncode == 1
    assert "service.not_reconciled" in ended.stdout + ended.stderr
    assert "from the backup of Tuesday" in ended.stdout + ended.stderr
    assert "portalctl reconcile" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


def _serve(service: str, variables: dict[str, str], role: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", service, "serve", "--role", role]
    fields = {name.upper() for name in SETTINGS[service].model_fields}
    good = {name: value for name, value in GOOD.items() if name in fields and value}
    environment = {"PATH": os.environ["PATH"], **good, **variables}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
