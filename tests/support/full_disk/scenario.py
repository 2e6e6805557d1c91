"""`scenario.py <folder> tmpfs|limit`: a stack with a full disk for a while, as its operator sees it.

With `tmpfs` the folder is a small file system of this process's own, mounted in a namespace (`unshare -Urm`). With `limit` every
process of the stack may write no byte more (RLIMIT_FSIZE), which needs no permission at all. Prints the observations as JSON.
"""

import asyncio
import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from portalctl.local.folder import Folder
from portalctl.local.members import members
from support.system_stack import Stack, running, shop

FULL_SECONDS = 25
_SIZE = "450m"


def fill(folder: Folder, kind: str) -> None:
    """Take the space that is left. Called again, also what a process has freed since."""
    if kind == "limit":
        limit(folder, 0)
        return
    with (folder.root / "filling").open("ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))


def empty(folder: Folder, kind: str) -> None:
    if kind == "limit":
        limit(folder, resource.RLIM_INFINITY)
    else:
        (folder.root / "filling").unlink()


def limit(folder: Folder, size: int) -> None:
    for identity in members(folder):
        try:
            psutil.Process(identity.pid).rlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        except psutil.NoSuchProcess:
            continue


async def observed(root: Path, kind: str) -> dict[str, Any]:
    folder = Folder(root)
    observations: dict[str, Any] = {}
    async with running(root) as stack, shop(stack) as a_shop:
        await a_shop.customer()
        before = await asyncio.to_thread(stack.portalctl, "verify")
        observations["events_before"] = int(before.stdout.splitlines()[-1].split()[0])
        observations["while_full"] = await statuses(stack, folder, kind)
        empty(folder, kind)
        began = time.monotonic()
        await stack.ready()
        observations["recovered_after"] = round(time.monotonic() - began, 1)
        await a_shop.customer()
        verified = await asyncio.to_thread(stack.portalctl, "verify")
        observations["verified"] = [verified.returncode, verified.stdout, verified.stderr]
    return observations


async def statuses(stack: Stack, folder: Folder, kind: str) -> list[tuple[int, str]]:
    """The output of `status` while the disk is full."""
    shown: list[tuple[int, str]] = []
    until = time.monotonic() + FULL_SECONDS
    while time.monotonic() < until:
        fill(folder, kind)
        status = await asyncio.to_thread(stack.portalctl, "status")
        shown.append((status.returncode, status.stdout + status.stderr))
        await asyncio.sleep(2)
    return shown


def main(place: Path, kind: str) -> None:
    if kind == "tmpfs":
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=711", "none", str(place)], check=True)
    sys.stdout.write(json.dumps(asyncio.run(observed(place / ".portal", kind))))


if __name__ == "__main__":
    os.umask(0o022)
    main(Path(sys.argv[1]), sys.argv[2])
