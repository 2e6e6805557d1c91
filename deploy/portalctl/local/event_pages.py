"""Serves the description of the events on the loopback interface: the folder `contracts`, which contains no secret."""

import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from chassis.tls import system_context
from portalctl.local.errors import PortTaken
from portalctl.local.ports import is_free
from portalctl.local.programs import Program
from portalctl.local.progress import Report, silent
from portalctl.local.services import HOST

FOLDER = Path(__file__).parents[3] / "contracts"
NAME = "events"
PORT = 20085
_PAGE = "events.html"


@dataclass(frozen=True)
class EventPages:
    """A process of the stack. `url` is the page to open."""

    port: int
    log: Path
    name: str = NAME

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/{_PAGE}"

    async def prepare(self, report: Report = silent) -> None:
        """Raise PortTaken if another program uses the port."""
        if not is_free(self.port):
            raise PortTaken(self.name, f"another program listens on port {self.port}")

    def program(self) -> Program:
        served = ["-m", "http.server", str(self.port), "--bind", HOST, "--directory", str(FOLDER)]
        return Program(name=self.name, command=[sys.executable, "-I", *served], log=self.log, ready=self._ready, port=self.port)

    async def _ready(self) -> bool:
        async with httpx.AsyncClient(trust_env=False, verify=system_context(), timeout=3) as client:
            try:
                answer = await client.head(self.url)
            except httpx.TransportError:
                return False
        return answer.status_code == httpx.codes.OK
