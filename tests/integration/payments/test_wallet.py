"""Several cards of one customer, over HTTP, with the sandbox and the workers."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from httpx import Response
from integration.payments.stack import PORTAL, Shop

from billing_contracts.envelope import Envelope
from payments.domain.wallet.wallet import METHODS_MAX

VISA, MASTERCARD, DECLINED = "4242424242424242", "5555555555554444", "4000000000000002"
CONSENT = {"text": "backup-1", "language": "es-MX"}


def problem(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def open_to_add(shop: Shop, session: str = "session") -> Response:
    body = {"locale": "es-MX", "portal_origin": PORTAL, "purpose": "add"}
    return await shop.portal(session).post(f"/v1/customers/{shop.ana}/setups", json=body)


async def typed(shop: Shop, number: str) -> tuple[str, str]:
    """A set-up for another card, and the token of the card that was typed."""
    setup = (await open_to_add(shop)).json()["setup_id"]
    return setup, (await shop.stack.type_card(setup, number)).json()["token"]


async def add(shop: Shop, setup: str, token: str, key: str | None = None, session: str = "session") -> Response:
    headers = {"idempotency-key": key} if key else {}
    path = f"/v1/customers/{shop.ana}/setups/{setup}/payment-method"
    return await shop.portal(session).post(path, json={"token": token}, headers=headers)


async def attach(shop: Shop, token: str) -> str:
    """The merchant's back end stores a card beside the default."""
    body = {"token": token, "make_default": False}
    answer = await shop.http.post(f"/v1/customers/{shop.ana}/payment-methods", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def roles(shop: Shop) -> dict[str, str]:
    """Last digits -> role of each card."""
    return {it["last4"]: "default" if it["is_default"] else "backup" if it["is_backup"] else "" for it in await shop.methods()}


async def data(shop: Shop, stream: str) -> list[dict[str, Any]]:
    rows = await shop.stack.pool.fetch("SELECT value FROM events WHERE stream = $1 ORDER BY version", stream)
    return [Envelope.model_validate_json(row["value"]).data for row in rows]


async def test_a_card_is_added_beside_the_default_and_charges_nothing(shop: Shop) -> None:
    await shop.add("tok_saves_then_declines")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "failed", "card_declined"))
    opened = (await open_to_add(shop)).json()
    assert (opened["due"], opened["total"]) == ([], None)
    token = (await shop.stack.type_card(opened["setup_id"], MASTERCARD)).json()["token"]
    answer = await add(shop, opened["setup_id"], token, key="once")
    assert (answer.status_code, answer.json()["is_default"], answer.json()["last4"]) == (201, False, "4444")
    assert (await add(shop, opened["setup_id"], token, key="once")).json() == answer.json()
    assert await roles(shop) == {"0341": "default", "4444": ""}
    assert await shop.stack.event_names(f"wallet-{shop.ana}") == ["PaymentMethodUpdated", "PaymentMethodAdded"]
    assert await shop.charges(invoice) == [(1, "failed", "card_declined")]


async def test_the_first_card_becomes_the_default(shop: Shop) -> None:
    assert (await add(shop, *await typed(shop, VISA))).json()["is_default"] is True
    assert await roles(shop) == {"4242": "default"}


async def test_bad_input_changes_nothing(shop: Shop) -> None:
    await shop.add("tok_visa")
    setup, token = await typed(shop, MASTERCARD)
    other = (await typed(shop, VISA))[1]
    to_change = (await shop.open_setup())["setup_id"]
    changing = (await shop.stack.type_card(to_change, VISA)).json()["token"]
    assert problem(await add(shop, setup, token, session="another")) == (404, "not_found")
    assert problem(await add(shop, str(uuid4()), token)) == (404, "not_found")
    assert problem(await add(shop, setup, other)) == (422, "invalid_token")
    assert problem(await add(shop, setup, "tok_visa")) == (422, "invalid_token")
    assert problem(await add(shop, to_change, changing)) == (404, "not_found")
    assert problem(await shop.confirm(setup, token)) == (404, "not_found")
    foreign = shop.portal(customer=uuid4())
    path = f"/v1/customers/{shop.ana}/setups/{setup}/payment-method"
    assert problem(await foreign.post(path, json={"token": token})) == (404, "not_found")
    declined = await typed(shop, DECLINED)
    assert problem(await add(shop, *declined)) == (402, "card_declined")
    assert await roles(shop) == {"4242": "default"}
    assert (await add(shop, setup, token)).status_code == 201
    assert problem(await add(shop, setup, token)) == (404, "not_found")


async def test_cards_of_others_and_unknown_cards_are_not_found(shop: Shop) -> None:
    card = (await shop.add("tok_visa"))["id"]
    foreign = shop.portal(customer=uuid4())
    for client, id in ((foreign, card), (shop.portal(), str(uuid4()))):
        path = f"/v1/payment-methods/{id}"
        assert problem(await client.put(f"{path}/default")) == (404, "not_found")
        assert problem(await client.put(f"{path}/backup", json=CONSENT)) == (404, "not_found")
        assert problem(await client.delete(f"{path}/backup")) == (404, "not_found")
        assert problem(await client.get(f"{path}/removal")) == (404, "not_found")
        assert problem(await client.delete(path)) == (404, "not_found")
    assert await roles(shop) == {"4242": "default"}


async def test_the_eleventh_card_is_refused(shop: Shop) -> None:
    await shop.add("tok_visa")
    setup, token = await typed(shop, VISA)
    await shop.stack.pool.execute("UPDATE sandbox_method SET fingerprint = NULL WHERE merchant_id = $1", shop.merchant.id)
    for _ in range(METHODS_MAX - 1):
        await attach(shop, "tok_mastercard")
        # So that the next one counts as another card.
        await shop.stack.pool.execute("DELETE FROM sandbox_key WHERE merchant_id = $1", shop.merchant.id)
    assert problem(await open_to_add(shop)) == (409, "too_many_payment_methods")
    assert problem(await add(shop, setup, token, key="eleventh")) == (409, "too_many_payment_methods")
    assert problem(await add(shop, setup, token, key="eleventh")) == (409, "too_many_payment_methods")
    body = {"token": "tok_amex", "make_default": False}
    answer = await shop.http.post(f"/v1/customers/{shop.ana}/payment-methods", json=body)
    assert problem(answer) == (409, "too_many_payment_methods")
    assert len(await shop.methods()) == METHODS_MAX


async def test_the_same_card_again_replaces_its_entry(shop: Shop) -> None:
    first = (await shop.add("tok_visa"))["id"]
    await attach(shop, "tok_mastercard")
    assert (await add(shop, *await typed(shop, VISA))).json()["is_default"] is True
    methods = await shop.methods()
    assert await roles(shop) == {"4242": "default", "4444": ""}
    assert first not in {method["id"] for method in methods}
    stored = await shop.stack.pool.fetch("SELECT fingerprint FROM sandbox_method WHERE merchant_id = $1", shop.merchant.id)
    assert not any(number in row["fingerprint"] for row in stored for number in (VISA, MASTERCARD))


async def test_the_default_changes_and_is_removed(shop: Shop) -> None:
    await shop.add("tok_visa")
    other = await attach(shop, "tok_mastercard")
    answer = await shop.portal().put(f"/v1/payment-methods/{other}/default", headers={"idempotency-key": "k"})
    assert (answer.status_code, answer.json()["version"]) == (202, 3)
    assert await roles(shop) == {"4444": "default", "4242": ""}
    preview = (await shop.portal().get(f"/v1/payment-methods/{other}/removal")).json()
    assert (preview["allowed"], preview["next_default"]["last4"]) == (True, "4242")
    third = await attach(shop, "tok_amex")
    path = f"/v1/payment-methods/{other}"
    shown = {"next_default": preview["next_default"]["id"]}
    assert problem(await shop.portal().delete(path, params=shown)) == (409, "next_default_changed")
    assert (await shop.portal().delete(path, params={"next_default": third})).status_code == 202
    assert await roles(shop) == {"0005": "default", "4242": ""}
    assert problem(await shop.portal().delete(path)) == (404, "not_found")


async def test_the_only_card_stays_while_it_is_needed(shop: Shop) -> None:
    card = (await shop.add("tok_saves_then_declines"))["id"]
    preview = (await shop.portal().get(f"/v1/payment-methods/{card}/removal")).json()
    assert (preview["allowed"], preview["next_default"]) == (False, None)
    assert problem(await shop.portal().delete(f"/v1/payment-methods/{card}")) == (409, "last_payment_method")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "failed", "card_declined"))
    await shop.end()
    assert problem(await shop.portal().delete(f"/v1/payment-methods/{card}")) == (409, "last_payment_method")
    await shop.void(invoice)
    assert (await shop.portal().delete(f"/v1/payment-methods/{card}")).status_code == 202


async def test_a_backup_is_chosen_with_consent(shop: Shop) -> None:
    default = (await shop.add("tok_visa"))["id"]
    other = await attach(shop, "tok_mastercard")
    path = f"/v1/payment-methods/{other}/backup"
    for body in ({}, {"text": "backup-1"}, CONSENT | {"text": "Yes!"}, CONSENT | {"at": "2023-01-01"}):
        assert problem(await shop.portal().put(path, json=body)) == (422, "invalid_request")
    refused = await shop.portal().put(f"/v1/payment-methods/{default}/backup", json=CONSENT)
    assert problem(refused) == (409, "default_as_backup")
    assert (await shop.portal().put(path, json=CONSENT)).status_code == 202
    assert await roles(shop) == {"4242": "default", "4444": "backup"}
    consent = (await data(shop, f"wallet-{shop.ana}"))[-1]["consent"]
    assert (consent["text"], consent["language"]) == ("backup-1", "es-MX")
    assert consent["at"].startswith("2023-05-20T12:")
    assert (await shop.portal().delete(f"/v1/payment-methods/{default}/backup")).status_code == 202
    assert await roles(shop) == {"4242": "default", "4444": "backup"}
    assert (await shop.portal().delete(path)).status_code == 202
    assert await roles(shop) == {"4242": "default", "4444": ""}


async def with_backup(shop: Shop, default: str) -> None:
    await shop.add(default)
    backup = await attach(shop, "tok_mastercard")
    assert (await shop.portal().put(f"/v1/payment-methods/{backup}/backup", json=CONSENT)).status_code == 202


async def test_the_backup_pays_after_a_hard_decline(shop: Shop) -> None:
    await with_backup(shop, "tok_expired")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "failed", "expired_card"), (2, "succeeded", None))
    items = (await shop.http.get(f"/v1/charges?invoice_id={invoice}")).json()["items"]
    assert [(it["payment_method"]["last4"], it["backup"], it["amount"]["amount_minor"]) for it in items] == [
        ("0069", False, 2999),
        ("4444", True, 2999),
    ]
    failed, started, paid = (await data(shop, f"payment-{invoice}"))[1:]
    assert (failed["followed"], started["backup"], paid["backup"]) == (True, True, True)
    assert await roles(shop) == {"0069": "default", "4444": "backup"}


async def test_a_soft_decline_waits_for_the_last_retry(shop: Shop) -> None:
    await with_backup(shop, "tok_saves_then_declines")
    invoice = await shop.issue()
    declined = "failed", "card_declined"
    await shop.until_charges(invoice, (1, *declined))
    await shop.retry(invoice)
    await shop.until_charges(invoice, (1, *declined), (2, *declined))
    await shop.retry(invoice, sequence=3, last=True)
    await shop.until_charges(invoice, (1, *declined), (2, *declined), (3, *declined), (4, "succeeded", None))


async def test_without_a_consent_no_other_card_is_charged(shop: Shop) -> None:
    await shop.add("tok_expired")
    await attach(shop, "tok_mastercard")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "failed", "expired_card"))
    await shop.retry(invoice, last=True)
    await shop.until_charges(invoice, (1, "failed", "expired_card"), (2, "failed", "expired_card"))


async def test_a_withdrawn_backup_is_not_charged(shop: Shop) -> None:
    await with_backup(shop, "tok_expired")
    backup = next(it["id"] for it in await shop.methods() if it["is_backup"])
    assert (await shop.portal().delete(f"/v1/payment-methods/{backup}/backup")).status_code == 202
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "failed", "expired_card"))


async def at_the_provider(shop: Shop, method: str) -> bool:
    sql = "SELECT EXISTS (SELECT FROM sandbox_method WHERE merchant_id = $1 AND id = $2)"
    return bool(await shop.stack.pool.fetchval(sql, shop.merchant.id, UUID(method)))


async def test_removed_cards_are_detached_at_the_provider(shop: Shop) -> None:
    await shop.add("tok_visa")
    other = await attach(shop, "tok_mastercard")
    assert await at_the_provider(shop, other)
    assert (await shop.portal().delete(f"/v1/payment-methods/{other}")).status_code == 202

    async def gone() -> bool:
        return not await at_the_provider(shop, other)

    await shop.stack.until(gone)
    sql = "SELECT forgotten_at IS NOT NULL FROM payment_method WHERE id = $1"
    await shop.stack.until(lambda: shop.stack.pool.fetchval(sql, UUID(other)))


async def test_a_removed_card_stays_at_the_provider_while_it_is_charged(shop: Shop) -> None:
    await shop.add("tok_visa")
    card = (await shop.methods())[0]["id"]
    await attach(shop, "tok_mastercard")
    await shop.stack.misbehave(shop.merchant.id, "hang", 0.2)
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "unknown", None))
    assert (await shop.portal().delete(f"/v1/payment-methods/{card}")).status_code == 202
    sql = "SELECT * FROM payment_method WHERE id = $1"
    removed = await shop.stack.pool.fetchrow(sql, UUID(card))
    assert removed is not None
    assert (removed["removed_at"] is not None, removed["forgotten_at"]) == (True, None)
    assert await at_the_provider(shop, card)
    await shop.stack.misbehave(shop.merchant.id, "normal")
    await shop.until_charges(invoice, (1, "succeeded", None))

    async def gone() -> bool:
        return not await at_the_provider(shop, card)

    await shop.stack.until(gone)


async def test_two_requests_at_once_keep_one_default(shop: Shop) -> None:
    await shop.add("tok_visa")
    cards = [await attach(shop, "tok_mastercard"), await attach(shop, "tok_amex")]
    answers = await asyncio.gather(*(shop.portal().put(f"/v1/payment-methods/{card}/default") for card in cards))
    assert [answer.status_code for answer in answers] == [202, 202]
    assert sorted((await roles(shop)).values()) == ["", "", "default"]
