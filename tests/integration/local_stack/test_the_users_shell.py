"""Settings of the user's shell and home folder do not reach the stack's servers and clients."""

import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from portalctl.local.jars import cache_folder
from portalctl.local.members import members
from support.local_stack import LocalStack, local_stack
from support.users_shell import SHELL

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    with local_stack() as stack:
        yield stack


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with unreadable certificates and passwords of other servers."""
    settings = tmp_path / ".postgresql"
    settings.mkdir()
    for name in ("postgresql.crt", "postgresql.key", "root.crt", "root.crl"):
        (settings / name).write_text("no certificate")
    (tmp_path / ".pgpass").write_text("*:*:*:*:wrong\n")
    (tmp_path / ".pg_service.conf").write_text("[none]\nhost=nowhere\n")
    return tmp_path


def test_the_stack_starts_in_a_shell_with_settings_for_other_servers(stack: LocalStack, home: Path) -> None:
    up = stack.up(environment={**SHELL, "HOME": str(home), "XDG_CACHE_HOME": str(cache_folder().parent)})
    assert (up.returncode, up.stdout) == (0, "ready\n"), up.stderr
    for identity in members(stack.folder):
        for process in (psutil.Process(identity.pid), *psutil.Process(identity.pid).children(recursive=True)):
            found = process.environ()
            assert {name for name in SHELL if name not in ("HTTP_PROXY", "http_proxy", "ALL_PROXY")} & found.keys() <= {
                "DATABASE_URL",
                "HTTP_PORT",
                "LOG_LEVEL",
            }
            assert all(found.get(name) != SHELL[name] for name in ("DATABASE_URL", "HTTP_PORT", "LOG_LEVEL"))


def test_data_and_logs_are_private(stack: LocalStack) -> None:
    assert stack.up().returncode == 0
    found = [path for path in stack.folder.root.rglob("*") if not path.is_symlink()]
    assert any(path.name == "meta.properties" for path in found)
    assert any(path.name == "PG_VERSION" for path in found)
    open_to_others = [path for path in found if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []


def test_a_start_makes_copied_data_private_again(stack: LocalStack) -> None:
    assert stack.up().returncode == 0
    stack.portalctl("down")
    for folder in (stack.folder.kafka, stack.folder.kafka / "data", stack.folder.postgres, stack.folder.postgres / "data"):
        folder.chmod(0o755)
    assert stack.up().returncode == 0
    for folder in (stack.folder.kafka, stack.folder.kafka / "data", stack.folder.postgres / "data"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
