"""portalctl beside a running system, also in a shell with settings for other servers."""

import asyncio
import os
import re
from pathlib import Path

import asyncpg
import pytest

from portalctl.local.databases import url_of
from support.system_stack import Shop, Stack
from support.users_shell import SHELL

# Each command is a process, which a busy machine starts slowly.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    certificates = tmp_path / ".postgresql"
    certificates.mkdir()
    for name in ("postgresql.crt", "postgresql.key", "root.crt"):
        (certificates / name).write_text("no certificate")
    for name, value in {**SHELL, "HOME": str(tmp_path)}.items():
        # Python would not start.
        if not name.startswith("PYTHON"):
            monkeypatch.setenv(name, value)


async def portalctl(stack: Stack, *words: str) -> tuple[int, str, str]:
    ended = await asyncio.to_thread(stack.portalctl, *words)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.usefixtures("shell")
async def test_the_shells_variables_do_not_affect_commands(stack: Stack) -> None:
    assert (await portalctl(stack, "status"))[0] == 0
    assert await portalctl(stack, "topics", "diff") == (0, "", "")
    migrated = "".join(f"{name}: up to date\n" for name in ("subscriptions", "payments", "invoicing", "portal-gateway"))
    assert await portalctl(stack, "migrate") == (0, migrated, "")
    code, report, problems = await portalctl(stack, "verify")
    assert (code, problems) == (0, ""), report


async def test_status_has_one_line_per_process_with_its_log_path(stack: Stack) -> None:
    code, shown, problems = await portalctl(stack, "status")
    assert (code, problems) == (0, "")
    lines = shown.splitlines()
    assert lines[0].split() == ["process", "status", "pid", "MiB", "log"]
    assert len(lines) == 8
    for line in lines[1:]:
        assert line.endswith(str(stack.folder / "logs" / f"{line.split()[0]}.log"))


async def test_links_create_prints_one_line_or_one_error(a_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    lucia = await a_shop.customer(card=None)
    monkeypatch.setenv("PORTAL_API_KEY", a_shop.backend.key)
    code, shown, problems = await portalctl(a_shop.stack, "links", "create", "--customer", lucia.id)
    assert (code, problems) == (0, "")
    assert re.fullmatch(rf"{a_shop.stack.urls['portal-gateway']}/enter#\S+\n", shown)
    for customer in ("nobody", "0190a000-0000-7000-8000-000000000000"):
        code, shown, problems = await portalctl(a_shop.stack, "links", "create", "--customer", customer)
        assert (code, shown) == (1, "")
        assert problems.startswith("portalctl: the portal gateway answered 4")
        assert not set('{}"') & set(problems)
        assert problems.count("\n") == 1


async def test_migrate_updates_an_external_server(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_POSTGRES_URL", postgres_url)
    fresh = Stack(tmp_path / "portal")
    code, shown, problems = await portalctl(fresh, "migrate")
    assert (code, problems) == (0, "")
    assert shown.count(": up to date\n") == 4
    connection = await asyncpg.connect(url_of(postgres_url, "payments"))
    try:
        assert await connection.fetchval("SELECT count(*) FROM migrations") > 0
    finally:
        await connection.close()
        admin = await asyncpg.connect(postgres_url)
        for name in ("subscriptions", "payments", "invoicing", "portal_gateway"):
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            await admin.execute(f"DROP ROLE {name}")
            await admin.execute(f"DROP ROLE {name}_owner")
        await admin.close()
    assert os.listdir(fresh.folder)
