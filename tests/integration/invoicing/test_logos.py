"""An invoice shows the logo that its merchant had when it was issued, also after the branding has changed."""

import hashlib
import json
from base64 import b64decode
from uuid import uuid4

import httpx
import pytest
from integration.invoicing.stack import OWN, Shop, Stack, period

from billing_contracts.invoicing import invoice_id
from billing_contracts.subscriptions import Branding
from chassis.http.client import ServiceClient
from chassis.http.problems import Problem
from chassis.http.service_tokens import Signer
from chassis.key_encryption import Tampered
from invoicing.adapters.logos import Logos

PICTURE = b64decode("UklGRh4AAABXRUJQVlA4TBEAAAAvL8ADAAdQrqJUuP+BiOh/AAA=")
ANA = uuid4()


def named(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Subscriptions(httpx.AsyncBaseTransport):
    """The service that keeps what merchants upload."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer, self.requested_paths = answer, list[str]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requested_paths.append(request.url.path)
        if self.answer is None:
            raise httpx.ConnectError("nobody is there")
        return httpx.Response(200, content=self.answer)

    def client(self) -> ServiceClient:
        client = ServiceClient(
            "http://subscriptions", "subscriptions", Signer("invoicing", json.dumps(OWN.as_dict(private=True)))
        )
        client.http = httpx.AsyncClient(base_url="http://subscriptions", transport=self)
        return client


async def test_a_logo_is_fetched_once_and_kept(stack: Stack) -> None:
    picture = PICTURE + uuid4().bytes
    reachable, away = Subscriptions(picture), Subscriptions(None)
    assert await Logos(stack.pool, reachable.client())(named(picture)) == picture
    assert reachable.requested_paths == [f"/v1/media/{named(picture)}"]
    assert await Logos(stack.pool, away.client())(named(picture)) == picture


async def test_without_its_logo_an_invoice_is_not_printed_at_all(stack: Stack) -> None:
    """With another in its place it would be another document."""
    with pytest.raises(Problem) as refused:
        await Logos(stack.pool, Subscriptions(None).client())(named(b"never seen"))
    assert refused.value.status == 503
    with pytest.raises(Tampered):
        await Logos(stack.pool, Subscriptions(b"another picture").client())(named(b"the picture"))


async def test_new_branding_changes_only_invoices_that_are_issued_from_then_on(stack: Stack, shop: Shop) -> None:
    for content in (PICTURE, PICTURE + b"2"):
        await Logos(stack.pool, Subscriptions(content).client())(named(content))
    subscription = uuid4()

    async def pdf(number: int) -> bytes:
        async with stack.customer(shop, ANA) as http:
            return (await http.get(f"/v1/invoices/{invoice_id(subscription, period(number))}/pdf")).content

    async def branded(sequence: int, colour: str, picture: bytes) -> None:
        await stack.deliver(shop.configured(sequence, branding=Branding(colour=colour, logo_media_id=named(picture))))

    await branded(2, "#285cc2", PICTURE)
    await stack.deliver(shop.profile(ANA), shop.due(subscription, ANA, 0))
    before = await pdf(0)
    await branded(3, "#aa3300", PICTURE + b"2")
    await stack.deliver(shop.due(subscription, ANA, 1))
    assert await pdf(0) == before
    assert b"/Subtype/Image" in before
    frozen = [(of["colour"], of["logo"]) for of in await letterheads(stack, shop)]
    assert frozen == [("#285cc2", named(PICTURE)), ("#aa3300", named(PICTURE + b"2"))]


async def letterheads(stack: Stack, shop: Shop) -> list[dict[str, str]]:
    sql = "SELECT issued->'letterhead' AS letterhead FROM invoices WHERE merchant_id = $1 ORDER BY ordinal"
    return [json.loads(letterhead) for (letterhead,) in await stack.rows(shop, sql)]
