"""A sandbox's clock."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from chassis.http.authentication import Merchant
from chassis.http.bodies import StrictBody
from chassis.http.description import answers
from chassis.http.problems import Problem
from chassis.tenants import Tenant, Tenants
from subscriptions.adapters.http.bodies import Instant
from subscriptions.adapters.http.documents import TestClock
from subscriptions.adapters.http.representations import iso
from subscriptions.application.ports import ClockJob, ClockJobs

PATIENCE = timedelta(seconds=25)
"""How long a call waits until the clock is at rest."""
POLL_INTERVAL = timedelta(milliseconds=10)


class Advance(StrictBody):
    """Where the clock is to stand."""

    to: Instant
    """RFC 3339 with an offset, between the years 2000 and 2200. The clock only runs forward."""


def routes(jobs: ClockJobs, tenants: Tenants, wake: Callable[[], None], patience: timedelta = PATIENCE) -> APIRouter:
    """`wake` signals a worker in this process."""
    api = APIRouter(prefix="/v1/test-clock", tags=["test clock"])

    @api.post("/advance")
    @answers(TestClock, (403, "not_a_sandbox"), (409, "clock_is_advancing"), (422, "clock_runs_forward"), also=(202,))
    async def advance(caller: Merchant, body: Advance) -> Response:
        """Move a sandbox's clock forward.

        Everything that falls due until `to` is done in order: renewals, charges, retries, cancellations. 200 means that it is
        done. 202 means that it is still under way: repeat the same call to wait on.
        """
        tenant = await sandbox(caller.merchant_id)
        last = await jobs.get(tenant.id)
        if body.to < tenant.now() and (last is None or last.to != body.to):
            raise Problem(422, "clock_runs_forward", "The clock only runs forward", more={"now": iso(tenant.now())})
        job = await jobs.ask(tenant.id, body.to)
        if job.to != body.to:
            raise Problem(409, "clock_is_advancing", "The clock is on its way elsewhere", more={"to": iso(job.to)})
        wake()
        try:
            async with asyncio.timeout(patience.total_seconds()):
                while not job.finished:
                    await asyncio.sleep(POLL_INTERVAL.total_seconds())
                    job = await jobs.get(tenant.id) or job
        except TimeoutError:
            return JSONResponse(await shown(tenant.id, job), 202)
        return JSONResponse(await shown(tenant.id, job), 200)

    @api.get("")
    @answers(TestClock, (403, "not_a_sandbox"))
    async def read(caller: Merchant) -> dict[str, Any]:
        """Read a sandbox's clock."""
        tenant = await sandbox(caller.merchant_id)
        return await shown(tenant.id, await jobs.get(tenant.id))

    async def shown(merchant_id: UUID, job: ClockJob | None) -> dict[str, Any]:
        """`running`: subscriptions with a charge under way, and the merchant while its clock moves."""
        running = [f"subscription-{id}" for id in await jobs.running(merchant_id)]
        if job and not job.finished:
            running.append(f"merchant-{merchant_id}")
        return {
            "now": iso(await tenants.now(merchant_id)),
            "to": iso(job.to) if job else None,
            "at_rest": not running,
            "running": running,
        }

    async def sandbox(merchant_id: UUID) -> Tenant:
        tenant = await tenants.get(merchant_id)
        if tenant is None or not tenant.sandbox:
            raise Problem(403, "not_a_sandbox", "Only a sandbox has a clock that can be set")
        return tenant

    return api
