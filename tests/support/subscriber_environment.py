"""A new subscriber's virtual environment with the packages of contracts/README.md, and the README's code."""

import asyncio
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "contracts" / "README.md"
UV = Path(sys.executable).with_name("uv")


@dataclass(frozen=True)
class SubscriberEnvironment:
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def faststream(self) -> Path:
        return self.folder / "bin" / "faststream"

    def environment(self, **more: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        return {**inherited, "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}", **more}

    def install(self, *packages: str) -> None:
        """Install from uv's cache, else from the registry. Our own packages are rebuilt."""
        fresh = ["--refresh-package", "billing-contracts", "--reinstall-package", "billing-contracts"]
        command = ["pip", "install", "--quiet", "--python", str(self.python), *fresh, *packages]
        if _uv("--offline", *command, check=False).returncode:
            _uv(*command)

    def packages(self) -> set[str]:
        """The names of the installed packages."""
        listed = _uv("pip", "list", "--quiet", "--format", "freeze", "--python", str(self.python)).stdout
        return {re.split(r"[ =@]", line)[0] for line in listed.splitlines()}

    def run(self, *words: str, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        command = [str(self.python), *words]
        return subprocess.run(
            command, cwd=cwd, env=self.environment(**env), capture_output=True, text=True, timeout=60, check=False
        )


def make(folder: Path) -> SubscriberEnvironment:
    _uv("venv", "--quiet", "--python", sys.executable, str(folder))
    return SubscriberEnvironment(folder)


def printed(language: str) -> list[str]:
    """The README's blocks of code in this language."""
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


def printed_installation() -> Sequence[str]:
    """The packages of the README's `pip install`."""
    [line] = [line for block in printed("sh") for line in block.splitlines() if line.startswith("pip install ")]
    return shlex.split(line)[2:]


def printed_commands() -> Sequence[Sequence[str]]:
    """The words of the README's `python -m billing_subscriber …` in its blocks of shell."""
    lines = [line for block in printed("sh") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("python -m billing_subscriber ")]


@dataclass
class Running:
    """A process of the subscriber, and its output so far."""

    process: asyncio.subprocess.Process
    output: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def printed(self, text: str) -> int:
        return sum(text in line for line in self.output)

    async def until(self, holds: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until the condition holds. Fails with the process's output."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError("\n".join([*self.output, *self.errors[-40:]])) from None

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.process.wait()


@asynccontextmanager
async def running(*command: str | Path, cwd: Path, env: Mapping[str, str]) -> AsyncIterator[Running]:
    """A process that is killed at the end, unless it has ended."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*map(str, command), cwd=cwd, env=dict(env), stdout=pipe, stderr=pipe)
    run = Running(process)
    assert process.stdout is not None
    assert process.stderr is not None
    reading = [
        asyncio.create_task(_collect(process.stdout, run.output)),
        asyncio.create_task(_collect(process.stderr, run.errors)),
    ]
    try:
        yield run
    finally:
        await run.stop(signal.SIGKILL)
        await asyncio.gather(*reading)


async def _collect(stream: asyncio.StreamReader, into: list[str]) -> None:
    async for line in stream:
        into.append(line.decode(errors="replace").rstrip("\n"))


def _uv(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {"UV_SYSTEM_CERTS": "1", **os.environ}
    return subprocess.run([str(UV), *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=check)
