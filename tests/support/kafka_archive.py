"""Kafka's class archive in the user's cache, created once: with it, each of the tests' brokers starts in half the time."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from portalctl.local.errors import StackError
from portalctl.local.jars import class_archive
from portalctl.local.kafka import KafkaServer, java_version
from portalctl.local.programs import start
from support.ports import free_port


async def create(archive: Path) -> None:
    """Run a broker that lists its classes, then archive them. The archive appears whole or not at all."""
    with tempfile.TemporaryDirectory(prefix="kafka-classes-", dir=archive.parent) as name:
        folder = Path(name)
        port = free_port()
        server = KafkaServer(folder, port, free_port(), folder / "kafka.log")
        await server.prepare()
        program = server.program()
        listing = replace(program, command=_with(program.command, "-XX:DumpLoadedClassList=classes.lst"))
        await (await start(listing)).stop()
        # The command up to its class path, without the program.
        options = program.command[: program.command.index("-cp") + 2]
        dump = _with(options, "-Xshare:dump", "-XX:SharedClassListFile=classes.lst", "-XX:SharedArchiveFile=new.jsa")
        subprocess.run(dump, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.replace(folder / "new.jsa", archive)


def _with(command: Sequence[str], *options: str) -> list[str]:
    return [command[0], *options, *command[1:]]


def main() -> None:
    archive = class_archive(java_version())
    if not archive.exists():
        sys.stderr.write("· archiving Kafka's classes, once\n")
        archive.parent.mkdir(parents=True, exist_ok=True)
        try:
            asyncio.run(create(archive))
        except (OSError, StackError, subprocess.CalledProcessError) as error:
            sys.stderr.write(f"· no archive: {error}. Kafka starts without it, slower\n")


if __name__ == "__main__":
    main()
