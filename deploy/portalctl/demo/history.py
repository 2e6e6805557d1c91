"""Tells the story to the services, and writes down what a script needs to go on from there."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from portalctl.demo.backend import Backend
from portalctl.demo.story import MERCHANTS, REST, Cancels, ChangesCard, Joins, Merchant, Subscribes
from portalctl.local.failures import StackError

ASSETS = Path(__file__).parent / "assets"
VISIBLE_WITHIN_SECONDS = 30

Progress = Callable[[float], None]
"""Told the share that is done, from 0 to 1."""


@dataclass
class Told:
    """What has been made so far, in the shape of state.json."""

    merchants: dict[str, Any] = field(default_factory=dict)
    customers: dict[str, Any] = field(default_factory=dict)


async def make(urls: Mapping[str, str], operator_key: str, progress: Progress) -> dict[str, Any]:
    """Makes all of it; returns the fields `portal_url`, `merchants` and `customers` of state.json.

    Raises StackError when a service refuses, or the portal does not show what was made.
    """
    told = Told()
    whole = sum((REST - merchant.clock_starts_at).total_seconds() for merchant in MERCHANTS)
    past = 0.0
    for merchant in MERCHANTS:

        def moved(now: datetime, before: float = past, start: datetime = merchant.clock_starts_at) -> None:
            progress((before + (now - start).total_seconds()) / whole)

        await _tell(merchant, urls, operator_key, told, moved)
        past += (REST - merchant.clock_starts_at).total_seconds()
    for customer in told.customers.values():
        await _visible(urls["portal-gateway"], customer["portal_url"], len(customer["subscriptions"]))
    return {"portal_url": told.customers["ana"]["portal_url"], "merchants": told.merchants, "customers": told.customers}


async def _tell(
    merchant: Merchant, urls: Mapping[str, str], operator_key: str, told: Told, moved: Callable[[datetime], None]
) -> None:
    async with Backend(urls, operator_key) as operator:
        body = {**merchant.configuration, "clock_starts_at": merchant.clock_starts_at.isoformat()}
        made = await operator.call("subscriptions", "POST", "/v1/merchants", json=body)
    told.merchants[merchant.name] = {"id": made["id"], "api_key": made["api_key"]}
    async with Backend(urls, made["api_key"]) as backend:
        plans = await _publish(merchant, made["id"], backend)
        for step in merchant.steps:
            await backend.advance_clock(step.when)
            moved(step.when)
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
        await backend.advance_clock(REST)
        moved(REST)
        for customer in told.customers.values():
            if customer["merchant"] == merchant.name:
                customer["portal_url"] = await backend.portal_link(customer["id"])


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
    async with httpx.AsyncClient(base_url=gateway, headers={"origin": gateway}, timeout=10, trust_env=False) as browser:
        try:
            async with asyncio.timeout(VISIBLE_WITHIN_SECONDS):
                while True:
                    entered = await browser.post("/api/session", json={"token": token})
                    cookie = entered.headers.get("set-cookie", "").partition(";")[0]
                    shown = await browser.get("/api/overview", headers={"cookie": cookie})
                    await browser.delete("/api/session", headers={"cookie": cookie})
                    if shown.is_success and len(shown.json()["subscriptions"]) == subscriptions:
                        return
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise StackError(f"the portal did not show a customer's subscriptions within {VISIBLE_WITHIN_SECONDS} s") from None
