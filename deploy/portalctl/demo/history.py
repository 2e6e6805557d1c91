"""Creates the demo's history with the services' APIs, and records the ids and links for scripts."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from chassis.tls import system_context
from portalctl.demo.backend import Backend
from portalctl.demo.story import MERCHANTS, REST, AddsBackup, Cancels, ChangesCard, GetsRefund, Joins, Merchant, Subscribes
from portalctl.local.errors import within
from portalctl.settings import DEADLINE_SECONDS

ASSETS = Path(__file__).parent / "assets"
STEP = timedelta(days=120)

Progress = Callable[[float], None]
"""Gets the finished share, from 0 to 1."""


@dataclass
class Created:
    """The data created so far, in the form of state.json."""

    merchants: dict[str, Any] = field(default_factory=dict)
    customers: dict[str, Any] = field(default_factory=dict)
    invoice_url: str | None = None
    """A link to one open invoice."""


async def create(
    urls: Mapping[str, str],
    operator_key: str,
    progress: Progress,
    seconds: float = DEADLINE_SECONDS,
    logs: Mapping[str, str] | None = None,
    *,
    public_url: str | None = None,
    tls: ssl.SSLContext | None = None,
) -> dict[str, Any]:
    """Create everything. Returns the fields `portal_url`, `invoice_url`, `merchants` and `customers` of state.json.

    `seconds` limits each call. `public_url` is the portal's address for customers, if it is not that in `urls`. `tls` checks
    certificates of https URLs.

    Raises StackError if a service refuses or does not answer, or the portal does not show the subscriptions.
    """
    created = Created()
    origin = public_url or urls["portal-gateway"]
    hosts = {"portal-gateway": urlsplit(origin).netloc}
    connect = partial(Backend, urls, seconds=seconds, logs=logs, tls=tls, hosts=hosts)
    portal = partial(_browser, urls["portal-gateway"], origin, tls)
    total_seconds = sum((REST - merchant.clock_starts_at).total_seconds() for merchant in MERCHANTS)
    passed_seconds = 0.0
    for merchant in MERCHANTS:

        def moved(now: datetime, before: float = passed_seconds, start: datetime = merchant.clock_starts_at) -> None:
            progress((before + (now - start).total_seconds()) / total_seconds)

        await _create_merchant(merchant, connect, operator_key, created, moved)
        passed_seconds += (REST - merchant.clock_starts_at).total_seconds()
    gateway_log = Path(logs["portal-gateway"]) if logs else None
    for customer in created.customers.values():
        waiting = "waiting until the portal shows a customer's subscriptions"
        async with within(seconds, waiting, gateway_log), portal() as browser:
            await _visible(browser, customer["portal_url"], len(customer["subscriptions"]))
    links = {"portal_url": created.customers["ana"]["portal_url"], "invoice_url": created.invoice_url}
    return {**links, "merchants": created.merchants, "customers": created.customers}


async def _create_merchant(
    merchant: Merchant, connect: Callable[[str], Backend], operator_key: str, created: Created, moved: Callable[[datetime], None]
) -> None:
    async with connect(operator_key) as operator:
        body = {**merchant.configuration, "clock_starts_at": merchant.clock_starts_at.isoformat()}
        registered = await operator.call("subscriptions", "POST", "/v1/merchants", json=body)
    created.merchants[merchant.name] = {"id": registered["id"], "api_key": registered["api_key"]}
    async with connect(registered["api_key"]) as backend:
        plans = await _publish(merchant, registered["id"], backend)
        now = merchant.clock_starts_at
        for step in merchant.steps:
            now = await _advance(backend, now, step.when, moved)
            match step:
                case Joins():
                    id = await backend.create("customers", step.profile)
                    if step.card:
                        await backend.attach_card(id, step.card)
                    customer = {"id": id, "merchant": merchant.name, "subscriptions": [], "story": step.story}
                    created.customers[step.customer] = customer
                case Subscribes():
                    customer = created.customers[step.customer]
                    body = {"customer_id": customer["id"], "plan_id": plans[step.plan]}
                    customer["subscriptions"].append(await backend.create("subscriptions", body))
                case ChangesCard():
                    await backend.attach_card(created.customers[step.customer]["id"], step.card)
                case GetsRefund():
                    await backend.refund(created.customers[step.customer]["id"], step.amount_minor, step.reason)
                case AddsBackup():
                    await backend.add_backup(created.customers[step.customer]["id"], step.card)
                case Cancels():
                    await backend.cancel(created.customers[step.customer]["subscriptions"][0], step.feedback)
        await _advance(backend, now, REST, moved)
        for customer in created.customers.values():
            if customer["merchant"] == merchant.name:
                customer["portal_url"] = await backend.portal_link(customer["id"])
                created.invoice_url = created.invoice_url or await backend.invoice_link(customer["id"])


async def _advance(backend: Backend, now: datetime, to: datetime, moved: Callable[[datetime], None]) -> datetime:
    """Move the clock in steps, so that progress can be shown."""
    while now < to:
        now = min(now + STEP, to)
        await backend.advance_clock(now)
        moved(now)
    return to


async def _publish(merchant: Merchant, id: str, backend: Backend) -> dict[str, str]:
    """Upload the pictures and publish the plans. Returns the ids of the plans by name."""
    if merchant.logo:
        branding = {**merchant.configuration["branding"], "logo_media_id": await backend.upload(ASSETS / merchant.logo)}
        await backend.call("subscriptions", "PATCH", f"/v1/merchants/{id}", json={"branding": branding})
    media = {file: await backend.upload(ASSETS / file) for file in sorted(set(merchant.images.values()))}
    plans = {}
    for name, plan in merchant.plans.items():
        image = {"image_media_id": media[merchant.images[name]]} if name in merchant.images else {}
        plans[name] = await backend.create("plans", {**plan, **image})
    return plans


def _browser(gateway: str, origin: str, tls: ssl.SSLContext | None) -> httpx.AsyncClient:
    headers = {"origin": origin, "host": urlsplit(origin).netloc}
    return httpx.AsyncClient(base_url=gateway, headers=headers, timeout=None, trust_env=False, verify=tls or system_context())


async def _visible(browser: httpx.AsyncClient, portal_url: str, subscriptions: int) -> None:
    """Wait until the customer's page shows their subscriptions."""
    token = portal_url.partition("#")[2]
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
