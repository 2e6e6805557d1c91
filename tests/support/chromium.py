"""The browser of the tests: the machine's Chromium or Chrome, else one that is installed now."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.async_api import async_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


async def executable() -> Path | None:
    """The `executable_path` for Playwright; None without a browser."""
    on_path = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if on_path:
        return Path(on_path)
    async with async_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.exists() else None


def install() -> None:
    """Debian's package as root, which brings its libraries; else Playwright's own build."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=False)
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def main() -> None:
    if asyncio.run(executable()) is None:
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
