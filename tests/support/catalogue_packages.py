"""The packages with catalogues, and a copy of them in which `make` can write."""

import shutil
import subprocess
import sys
from pathlib import Path

from babel.messages import Catalog
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
PACKAGES = [
    "services/portal-gateway/src/portal_gateway",
    "services/invoicing/src/invoicing",
    "services/payments/src/payments",
]
OTHER_LANGUAGES = sorted({path.name for package in PACKAGES for path in (ROOT / package / "locales").iterdir()})


def copied(folder: Path) -> Path:
    """Copy the sources, the catalogues and the Makefile to the folder."""
    for name in ("Makefile", "babel.cfg"):
        shutil.copy(ROOT / name, folder)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "fonts", "static"))
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `make` with the Python environment of the tests."""
    command = ["make", "-o", ".venv/ready", f"BIN={Path(sys.executable).parent}", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def catalogue(root: Path, package: str, language: str) -> Catalog:
    with (root / package / "locales" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, abort_invalid=True)
