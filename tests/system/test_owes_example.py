"""The contracts' example `owes`, compared with the services that own invoices and payments."""

import asyncio
import os
import sqlite3
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portalctl.demo import history
from portalctl.demo.backend import Backend
from support.subscriber_environment import ROOT, running
from support.system_stack import Json, Stack, eventually, shop

OWES = ROOT / "contracts" / "examples" / "owes"
FEBRUARY = datetime(2024, 2, 10, 16, tzinfo=UTC)
Debts = dict[str, tuple[int, int]]
"""By currency: the debt, and the amount to refund."""


@dataclass
class Subscriber:
    """The example, running."""

    folder: Path
    environment: Mapping[str, str]

    async def wait_until_caught_up(self) -> None:
        """Return when every event published so far is handled."""
        words = ("-m", "billing_subscriber", "status", "--wait", "90", "subscriber:subscription")
        status = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=self.folder, env=dict(self.environment))
        assert await status.wait() == 0

    def debts(self, customer: str) -> Debts:
        with closing(sqlite3.connect(self.folder / "owes.db")) as connection:
            rows = connection.execute("SELECT currency, owed, to_return FROM owes WHERE customer = ?", (customer,))
            return {currency: (owed, to_return) for currency, owed, to_return in rows}


@pytest.fixture(scope="module")
async def subscriber(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Subscriber]:
    folder = tmp_path_factory.mktemp("owes")
    kafka = stack.state["kafka"]["bootstrap_servers"]
    environment = {**os.environ, "PYTHONPATH": str(OWES), "KAFKA_BOOTSTRAP_SERVERS": kafka}
    words = ("-m", "billing_subscriber", "create-topic", "examples.owes.dlq")
    creating = await asyncio.create_subprocess_exec(sys.executable, *words, env=environment)
    assert await creating.wait() == 0
    async with running(sys.executable, "-m", "faststream", "run", "subscriber:app", cwd=folder, env=environment):
        yield Subscriber(folder, environment)


async def answers(backend: Backend, customer: str) -> Debts:
    """The owners' answers: invoicing's open invoices and movements, and the charges of payments."""
    owed: dict[str, int] = defaultdict(int)
    to_return: dict[str, int] = defaultdict(int)
    for invoice in await invoices(backend, customer):
        currency, total = invoice["total"]["currency"], invoice["total"]["amount_minor"]
        owed[currency] += total if invoice["status"] == "open" else 0
        charges = await backend.call("payments", "GET", "/v1/charges", params={"invoice_id": invoice["id"]})
        charged_total = sum(charge["amount"]["amount_minor"] for charge in charges["items"] if charge["status"] == "succeeded")
        to_return[currency] += charged_total if invoice["status"] == "void" else 0
        movements = (await backend.call("invoicing", "GET", f"/v1/invoices/{invoice['id']}"))["movements"]
        balance = sum(movement["amount"]["amount_minor"] for movement in movements)
        assert balance == {"open": total, "paid": 0, "void": -charged_total}[invoice["status"]], invoice["number"]
    return {currency: (owed[currency], to_return[currency]) for currency in owed}


async def invoices(backend: Backend, customer: str) -> list[Json]:
    items: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = await backend.call("invoicing", "GET", "/v1/invoices", params={"customer_id": customer, "limit": 100, **cursor})
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


async def agreed_debts(subscriber: Subscriber, backend: Backend, customer: str) -> Debts:
    """The subscriber's and the owners' answers, once all events are handled."""

    async def compare() -> tuple[Debts, Debts]:
        return subscriber.debts(customer), await answers(backend, customer)

    ours, _ = await eventually(compare, lambda both: both[0] == both[1], seconds=120)
    return ours


@pytest.mark.timeout(400)
async def test_the_example_agrees_with_the_owners_for_every_demo_customer(stack: Stack, subscriber: Subscriber) -> None:
    demo = await history.create(stack.urls, stack.state["operator_key"], lambda share: None)
    await subscriber.wait_until_caught_up()
    debts: dict[str, Debts] = {}
    for name, customer in demo["customers"].items():
        async with Backend(stack.urls, demo["merchants"][customer["merchant"]]["api_key"]) as backend:
            debts[name] = await agreed_debts(subscriber, backend, customer["id"])
    assert debts == {
        "ana": {"USD": (0, 0)},
        "bruno": {"USD": (2999, 0)},
        "carla": {"USD": (0, 0)},
        "diego": {"USD": (0, 0)},
        "elena": {"USD": (0, 0)},
        "felipe": {"USD": (0, 0)},
        "gabriela": {"USD": (2999, 0)},
        "hugo": {"ARS": (0, 0)},
        "isabel": {"USD": (2999, 0)},
    }


@pytest.mark.parametrize(("policy", "owed"), [("keep", 2999), ("void", 0)])
async def test_a_debt_survives_its_subscription_where_the_policy_keeps_it(
    stack: Stack, subscriber: Subscriber, policy: str, owed: int
) -> None:
    async with shop(stack, unpaid_renewal_on_cancel=policy) as merchant:
        lucia = await merchant.customer()
        await merchant.backend.attach_card(lucia.id, "tok_saves_then_declines")
        await merchant.clock(FEBRUARY)
        await subscriber.wait_until_caught_up()
        assert await agreed_debts(subscriber, merchant.backend, lucia.id) == {"USD": (2999, 0)}
        async with lucia.portal() as visit:
            assert (await visit.cancel()).status_code == 202
        await eventually(lucia.status, lambda status: status == "canceled")
        await subscriber.wait_until_caught_up()
        assert await agreed_debts(subscriber, merchant.backend, lucia.id) == {"USD": (owed, 0)}


async def test_a_payment_of_a_void_invoice_that_was_refunded_leaves_no_debt(stack: Stack, subscriber: Subscriber) -> None:
    async with shop(stack, cancel_mode="immediately") as merchant:
        lucia = await merchant.customer()
        await merchant.clock(datetime(2024, 2, 10, 14, 59, tzinfo=UTC))
        await stack.set_provider_behaviour(merchant.id, "late", seconds=8)
        moving = asyncio.create_task(merchant.clock(FEBRUARY))
        async with lucia.portal() as visit:
            await visit.sees(lambda page: page["invoices"]["items"][0]["status"] == "processing")
            assert (await visit.cancel()).status_code == 202
        await stack.set_provider_behaviour(merchant.id, "normal")
        await eventually(lambda: stack.ledger(merchant.id), lambda ledger: bool(ledger["refunds"]), seconds=60)
        await moving
        await subscriber.wait_until_caught_up()
        assert await agreed_debts(subscriber, merchant.backend, lucia.id) == {"USD": (0, 0)}
