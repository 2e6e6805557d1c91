"""A fake of invoicing with a long history. The test controls the progress of its archive."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from browser.live_stage import LiveStage

from chassis.http.problems import Problem
from portal_gateway.application.downloads import Download, ExportProgress
from portal_gateway.application.view import View
from portal_gateway.domain.access import Session
from support.portal_page import fakes, scenes

INVOICES = 1000


def long_history() -> View:
    return scenes.view(invoice_count=INVOICES)


@dataclass(kw_only=True)
class ControlledExports(fakes.Invoicing):
    stage: LiveStage
    done: int = 0
    """Documents finished."""
    fails: bool = False
    whole: asyncio.Event = field(default_factory=asyncio.Event)
    running: bool = False

    async def export(self, session: Session, format: str, locale: str, year: int | None = None) -> Download:
        if self.running:
            raise Problem(429, "export_running", "Another one is running")

        async def chunks() -> AsyncGenerator[bytes]:
            yield b"PK"
            await self.whole.wait()
            if self.fails:
                raise ConnectionResetError("the making fails")
            yield b"the end"

        async def over() -> None:
            self.running = False

        self.running = True
        return Download(chunks(), over, "application/zip", f"historial-de-pagos.{format}")

    async def export_progress(self, session: Session) -> ExportProgress | None:
        return {"done": self.done, "total": INVOICES} if self.running else None


def control_exports(stage: LiveStage) -> ControlledExports:
    """Install it before the stage opens. An export ends only when the test sets `whole`."""
    stage.invoicing = exports = ControlledExports(stage=stage)
    return exports
