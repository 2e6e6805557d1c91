"""Makes the story with the services' APIs, and records what a script needs to continue from there."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from portalctl.demo.backend import Backend
from portalctl.demo.story import MERCHANTS, REST, Cancels, ChangesCard, Joins, Merchant, Subscribes
from portalctl.local.errors import within
from portalctl.settings import DEADLINE_SECONDS

ASSETS = Path(__file__).parent / "assets"
HOP = timedelta(days=120)

Progress = Callable[[float], None]
"""Gets the share that is done, from 0 to 1."""


@dataclass
class Told:
    """What has been made so far, in the shape of state.json."""

    merchants: dict[str, Any] = field(default_factory=dict)
    customers: dict[str, Any] = field(default_factory=dict)


async def make(
    urls: Mapping[str, str],
    operator_key: str,
    progress: Progress,
    seconds: float = DEADLINE_SECONDS,
    logs: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Makes all of it; returns the fields `portal_url`, `merchants` and `customers` of state.json. `seconds` bound each call.

    Raises StackError when a service refuses or does not answer, or the portal does not show what was made.
    """
    told = Told()
    connect = partial(Backend, urls, seconds=seconds, logs=logs)
    whole = sum((REST - merchant.clock_starts_at).total_seconds() for merchant in MERCHANTS)
    past = 0.0
    for merchant in MERCHANTS:

        def moved(now: datetime, before: float = past, start: datetime = merchant.clock_starts_at) -> None:
            progress((before + (now - start).total_seconds()) / whole)

        await _tell(merchant, connect, operator_key, told, moved)
        past += (REST - merchant.clock_starts_at).total_seconds()
    gateway_log = Path(logs["portal-gateway"]) if logs else None
    for customer in told.customers.values():
        async with within(seconds, "waiting until the portal shows a customer's subscriptions", gateway_log):
            await _visible(urls["portal-gateway"], customer["portal_url"], len(customer["subscriptions"]))
    return {"portal_url": told.customers["ana"]["portal_url"], "merchants": told.merchants, "customers": told.customers}


async def _tell(
    merchant: Merchant, connect: Callable[[str], Backend], operator_key: str, told: Told, moved: Callable[[datetime], None]
) -> None:
    async with connect(operator_key) as operator:
        body = {**merchant.configuration, "clock_starts_at": merchant.clock_starts_at.isoformat()}
        made = await operator.call("subscriptions", "POST", "/v1/merchants", json=body)
    told.merchants[merchant.name] = {"id": made["id"], "api_key": made["api_key"]}
    async with connect(made["api_key"]) as backend:
        plans = await _publish(merchant, made["id"], backend)
        now = merchant.clock_starts_at
        for step in merchant.steps:
            now = await _advance(backend, now, step.when, moved)
            match step:
                case Joins():
                    id = await backend.create("customers", step.profile)
                    if step.card:
                        await backend.attach_card(id, step.card)
                    customer = {"id": id, "merchant": merchant.name, "subscriptions": [], "story": step.story}
                    told.customers[step.customer] = customer
                case Subscribes():
                    customer = told.customers[step.customer]
                    body = {"customer_id": customer["id"], "plan_id": plans[step.plan]}
                    customer["subscriptions"].append(await backend.create("subscriptions", body))
                case ChangesCard():
                    await backend.attach_card(told.customers[step.customer]["id"], step.card)
                case Cancels():
                    await backend.cancel(told.customers[step.customer]["subscriptions"][0], step.feedback)
        await _advance(backend, now, REST, moved)
        for customer in told.customers.values():
            if customer["merchant"] == merchant.name:
                customer["portal_url"] = await backend.portal_link(customer["id"])


async def _advance(backend: Backend, now: datetime, to: datetime, moved: Callable[[datetime], None]) -> datetime:
    """In hops, so that there is progress to be shown."""
    while now < to:
        now = min(now + HOP, to)
        await backend.advance_clock(now)
        moved(now)
    return to


async def _publish(merchant: Merchant, id: str, backend: Backend) -> dict[str, str]:
    """Uploads the pictures and publishes the plans; returns the plans' ids by name."""
    if merchant.logo:
        branding = {**merchant.configuration["branding"], "logo_media_id": await backend.upload(ASSETS / merchant.logo)}
        await backend.call("subscriptions", "PATCH", f"/v1/merchants/{id}", json={"branding": branding})
    media = {file: await backend.upload(ASSETS / file) for file in sorted(set(merchant.images.values()))}
    plans = {}
    for name, plan in merchant.plans.items():
        image = {"image_media_id": media[merchant.images[name]]} if name in merchant.images else {}
        plans[name] = await backend.create("plans", {**plan, **image})
    return plans


async def _visible(gateway: str, portal_url: str, subscriptions: int) -> None:
    """Waits until the customer's own page shows their subscriptions."""
    token = portal_url.partition("#")[2]
    async with httpx.AsyncClient(base_url=gateway, headers={"origin": gateway}, timeout=None, trust_env=False) as browser:
        while True:
            entered = await browser.post("/api/session", json={"token": token})
            cookie = entered.headers.get("set-cookie", "").partition(";")[0]
            shown = await browser.get("/api/overview", headers={"cookie": cookie})
            session = await browser.get("/api/session", headers={"cookie": cookie})
            if session.is_success:
                await browser.delete("/api/session", headers={"cookie": cookie, "x-csrf-token": session.json()["csrf"]})
            if shown.is_success and len(shown.json()["subscriptions"]) == subscriptions:
                return
            await asyncio.sleep(0.2)
