"""Each service may call exactly what it needs of another: what its adapters ask for is what the other's table allows.

tests/system/test_service_tokens.py asks the running services on every route there is.
"""

import inspect
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest
from joserfc.jwk import OKPKey

from chassis.http.client import ServiceClient
from chassis.http.problems import Problem
from chassis.http.service_tokens import Signer
from chassis.tenants import Tenant, Tenants
from invoicing.adapters.http.peers import PEERS as INVOICING
from invoicing.adapters.logos import Logos
from payments.adapters.http.peers import PEERS as PAYMENTS
from payments.adapters.outlooks import SubscriptionOutlooks
from payments.adapters.tenants import KnownCustomers, MerchantClock
from portal_gateway.adapters.services import InvoicingService, PaymentsService, SubscriptionsService
from portal_gateway.application.requests import BackupConsent, CancelRequest, Looks, PaymentRequest
from subscriptions.adapters.http.peers import PEERS as SUBSCRIPTIONS
from support.portal_page import scenes

IDS = uuid4(), uuid4()
INVOICE, SET_UP, METHOD, CHARGE = uuid4(), uuid4(), uuid4(), uuid4()
PLACES = {
    str(IDS[0]): "{id}",
    str(IDS[1]): "{id}",
    str(INVOICE): "{invoice_id}",
    str(SET_UP): "{setup_id}",
    str(METHOD): "{method_id}",
    str(CHARGE): "{charge_id}",
    str(scenes.CUSTOMER): "{customer_id}",
    "a" * 64: "{id}",
}
"""What stands in a path, and the parameter that it is of."""


class CalledService:
    """A called service with an empty response."""

    def __init__(self, issuer: str) -> None:
        key = json.dumps(OKPKey.generate_key("Ed25519", {"kid": issuer}).as_dict(private=True))
        self.client = ServiceClient("http://owner", "owner", Signer(issuer, key))
        self.client.http = httpx.AsyncClient(base_url="http://owner", transport=httpx.MockTransport(self._answer))
        self.calls: set[tuple[str, str]] = set()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = "/".join(PLACES.get(part, part) for part in request.url.path.split("/"))
        self.calls.add((request.method, path))
        return httpx.Response(404, json={})

    async def every(self, *calls: Callable[[], Awaitable[object]]) -> "set[tuple[str, str]]":
        for call in calls:
            with pytest.raises(Problem):
                await call()
        return self.calls


class Nothing:
    """A pool in which there is nothing, and a merchant with a test clock."""

    async def fetchval(self, *_: object) -> None: ...

    async def get(self, _: UUID) -> Tenant:
        return Tenant(IDS[0], {"sandbox": True})


def methods(of: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(of, inspect.isfunction) if not name.startswith("_")}


async def every_method(adapter: Any, called: CalledService, **arguments: tuple[object, ...]) -> set[tuple[str, str]]:
    assert set(arguments) == methods(type(adapter)), "a method that this test does not know"
    return await called.every(*(partial(getattr(adapter, name), *values) for name, values in arguments.items()))


PAYMENT_REQUEST = PaymentRequest(IDS[1], {"amount_minor": 1, "currency": "EUR"})
KEY = ("GET", "/v1/keys/{sha256}")
"""The chassis asks for it in every service (chassis/service.py)."""


async def test_the_gateway_calls_exactly_its_routes_of_subscriptions() -> None:
    called, session = CalledService("portal-gateway"), scenes.session()
    calls = await every_method(
        SubscriptionsService(called.client),
        called,
        preview=(session, IDS[0], None),
        cancel=(session, IDS[0], CancelRequest(), None),
        withdraw_cancellation=(session, IDS[0], None),
        media=("a" * 64,),
        customer=(IDS[0], IDS[1]),
    )
    assert calls | {KEY} == SUBSCRIPTIONS["portal-gateway"]


async def test_the_gateway_calls_exactly_its_routes_of_payments() -> None:
    called, session, payer = CalledService("portal-gateway"), scenes.session(), scenes.invoice_session()
    calls = await every_method(
        PaymentsService(called.client, "http://portal"),
        called,
        open_setup=(session, "es", None),
        update_card=(session, "setup", "token", (), None, None),
        add_card=(session, SET_UP, "token", None),
        make_default=(session, METHOD, None),
        choose_backup=(session, METHOD, BackupConsent("backup-1", "es"), None),
        withdraw_backup=(session, METHOD, None),
        removal_preview=(session, METHOD),
        remove_card=(session, METHOD, IDS[1], None),
        payment_preview=(session, IDS[0]),
        pay=(session, IDS[0], PAYMENT_REQUEST, None),
        authenticate=(session, INVOICE, PAYMENT_REQUEST, Looks("es", None), None),
        open_payment_setup=(payer, "es", None),
        pay_with_card=(payer, "setup", "token", {"amount_minor": 1, "currency": "EUR"}, None),
        open_confirmation=(payer, CHARGE, Looks("es", None)),
    )
    assert calls == PAYMENTS["portal-gateway"]


async def test_the_gateway_calls_exactly_its_routes_of_invoicing() -> None:
    called, session = CalledService("portal-gateway"), scenes.session()
    calls = await every_method(
        InvoicingService(called.client),
        called,
        invoice=(session, IDS[0]),
        pdf=(session, IDS[0]),
        receipt_pdf=(session, IDS[0]),
        credit_note_pdf=(session, IDS[0]),
        export=(session, "csv", "es"),
        export_progress=(session,),
        customer_of=(IDS[0], IDS[1]),
    )
    assert calls == INVOICING["portal-gateway"]


async def test_payments_calls_exactly_its_routes_of_subscriptions() -> None:
    called, nothing = CalledService("payments"), cast(Any, Nothing())
    await MerchantClock(cast(Tenants, nothing), called.client).now(IDS[0])
    with pytest.raises(Problem):
        await KnownCustomers(nothing, called.client).known(IDS[0], IDS[1])
    assert await SubscriptionOutlooks(called.client).of(IDS[0], IDS[1]) is None
    assert called.calls | {KEY} == SUBSCRIPTIONS["payments"]


async def test_invoicing_calls_exactly_its_routes_of_subscriptions() -> None:
    called = CalledService("invoicing")
    await called.every(lambda: Logos(cast(Any, Nothing()), called.client)("a" * 64))
    assert called.calls | {KEY} == SUBSCRIPTIONS["invoicing"]


def test_other_callers_may_call_nothing() -> None:
    assert set(SUBSCRIPTIONS) == {"portal-gateway", "payments", "invoicing"}
    assert set(PAYMENTS) == set(INVOICING) == {"portal-gateway"}
