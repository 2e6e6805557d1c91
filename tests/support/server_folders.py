"""Folders for the data of test servers."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # its subfolders have random names, and only their owner can list them
_BYTES_MIN = 8 * 1024**3


@contextmanager
def server_folder() -> Iterator[Path]:
    """A folder that is deleted at the end: in memory on a machine with enough of it, because there a database is created and
    dropped in a tenth of the processor time."""
    memory = _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _BYTES_MIN else None
    with tempfile.TemporaryDirectory(prefix="customer-portal-", dir=memory) as name:
        folder = Path(name)
        # PostgreSQL runs as another user when pytest runs as root.
        folder.chmod(0o711)
        yield folder
