"""The browser of the tests: the machine's Chromium or Chrome, else one that is installed now.

Debian also packages the headless shell of the same Chromium. It draws pages the same and has no windows, profiles or settings,
which saves a quarter of the processor time of the browser tests. Where it cannot be installed, Chromium runs every test.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.async_api import async_playwright

_SHELL = "chromium-headless-shell"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_DEBIANS = Path("/usr/lib/chromium/chromium")


async def executable() -> Path | None:
    """The `executable_path` for Playwright; None without a browser."""
    on_path = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if on_path:
        return Path(on_path)
    async with async_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.exists() else None


async def light_executable() -> Path | None:
    """The headless shell, else the `executable`. For tests that use neither a profile nor the back/forward cache."""
    shell = shutil.which(_SHELL)
    return Path(shell) if shell else await executable()


def install() -> None:
    """Debian's packages as root, which bring their libraries; else Playwright's own build."""
    if _has_packages():
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        # Both are named, because both are of one version. Other distributions have no package of the shell.
        if not _installed("chromium", _SHELL):
            _installed("chromium")
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def _has_packages() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _installed(*packages: str) -> bool:
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "--no-remove", *packages]
    return subprocess.run(command, check=False).returncode == 0


def _could_have_the_shell() -> bool:
    return _has_packages() and _DEBIANS.exists() and shutil.which(_SHELL) is None


def main() -> None:
    if asyncio.run(executable()) is None or _could_have_the_shell():
        install()
    path = asyncio.run(executable())
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False) if path else None
    if version is None or version.returncode != 0:
        sys.exit(
            f"The browser tests need Chromium or Chrome, and {path or 'none'} was found that starts. "
            "Install one (Debian: apt-get install chromium) and run this again."
        )


if __name__ == "__main__":
    main()
