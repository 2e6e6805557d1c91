"""Settings of the user's shell and home folder do not reach the stack's servers and clients."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from portalctl.local.jars import cache_folder
from portalctl.local.members import members
from support.local_stack import LocalStack, local_stack
from support.processes import with_descendants
from support.users_shell import SHELL

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with unreadable certificates and passwords of other servers."""
    home = tmp_path_factory.mktemp("home")
    settings = home / ".postgresql"
    settings.mkdir()
    for name in ("postgresql.crt", "postgresql.key", "root.crt", "root.crl"):
        (settings / name).write_text("no certificate")
    (home / ".pgpass").write_text("*:*:*:*:wrong\n")
    (home / ".pg_service.conf").write_text("[none]\nhost=nowhere\n")
    return home


@pytest.fixture(scope="module")
def stack(home: Path) -> Iterator[LocalStack]:
    """A stack that is started in a shell with settings for other servers. Every test of this file leaves it running."""
    with local_stack() as stack:
        up_in_the_shell(stack, home)
        yield stack


def up_in_the_shell(stack: LocalStack, home: Path) -> None:
    up = stack.up(environment={**SHELL, "HOME": str(home), "XDG_CACHE_HOME": str(cache_folder().parent)})
    assert (up.returncode, up.stdout) == (0, "ready\n"), up.stderr


def modes(folder: Path) -> dict[Path, int]:
    """The mode of each file and folder. The servers delete files meanwhile."""
    modes_by_path = {}
    for parent, folders, files in os.walk(folder):
        for path in (Path(parent, name) for name in (*folders, *files)):
            with suppress(FileNotFoundError):
                modes_by_path[path] = path.lstat().st_mode
    return modes_by_path


def test_no_process_gets_the_settings_for_other_servers(stack: LocalStack) -> None:
    for identity in members(stack.folder):
        for process in with_descendants(identity.pid):
            try:
                environment = process.environ()
            except psutil.NoSuchProcess:
                continue
            assert {name for name in SHELL if name not in ("HTTP_PROXY", "http_proxy", "ALL_PROXY")} & environment.keys() <= {
                "DATABASE_URL",
                "HTTP_PORT",
                "LOG_LEVEL",
            }
            assert all(environment.get(name) != SHELL[name] for name in ("DATABASE_URL", "HTTP_PORT", "LOG_LEVEL"))


def test_data_logs_and_files_with_secrets_are_private(stack: LocalStack) -> None:
    modes_by_path = modes(stack.folder.root)
    assert any(path.name == "meta.properties" for path in modes_by_path)
    assert any(path.name == "PG_VERSION" for path in modes_by_path)
    assert {stack.folder.secrets, stack.folder.state, stack.folder.processes} <= modes_by_path.keys()
    assert [path for path, mode in modes_by_path.items() if not stat.S_ISLNK(mode) and mode & 0o077] == []


def test_a_start_makes_copied_data_private_again(stack: LocalStack, home: Path) -> None:
    stack.portalctl("down")
    for folder in (stack.folder.kafka, stack.folder.kafka / "data", stack.folder.postgres, stack.folder.postgres / "data"):
        folder.chmod(0o755)
    up_in_the_shell(stack, home)
    for folder in (stack.folder.kafka, stack.folder.kafka / "data", stack.folder.postgres / "data"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
