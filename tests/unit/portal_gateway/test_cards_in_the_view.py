"""The cards on file, folded from their events and composed to the view."""

from typing import Any

from billing_contracts import payments
from billing_contracts.shapes import Card
from portal_gateway.application.customer_view import Source, Sources, changed_panes, compose, empty
from portal_gateway.application.projections.wallet import CHANGES_MAX
from support.portal_gateway.story import ANA, MASTERCARD, VISA, Published

CONSENT: Any = {"text": "backup-1", "language": "es", "at": "2023-05-01T12:00:00Z"}


def updated(card: Card) -> payments.PaymentMethodUpdated:
    return payments.PaymentMethodUpdated(payment_method=card)


def added(card: Card) -> payments.PaymentMethodAdded:
    return payments.PaymentMethodAdded(payment_method=card)


def backup(card: Card | None) -> payments.PaymentMethodBackupChosen:
    return payments.PaymentMethodBackupChosen(payment_method=card, consent=CONSENT if card else None)


def removed(card: Card) -> payments.PaymentMethodRemoved:
    return payments.PaymentMethodRemoved(payment_method_id=card.id)


def detached(card: Card) -> payments.PaymentMethodRemoved:
    return payments.PaymentMethodRemoved(payment_method_id=card.id, reason="detached")


def detached_card(*events: Any) -> tuple[str, bool] | None:
    """Last four digits, and whether it was the default."""
    card = Published().publish(*events).view().get("detached_card")
    return (card["last4"], card["was_default"]) if card else None


def roles(*events: Any) -> list[tuple[str, str | None]]:
    return [(it["last4"], it["role"]) for it in Published().publish(*events).view()["payment_methods"]]


V, M = VISA.last4, MASTERCARD.last4


def test_cards_have_their_roles_and_the_default_comes_first() -> None:
    assert roles(updated(VISA), added(MASTERCARD)) == [(V, "default"), (M, None)]
    assert roles(updated(VISA), updated(MASTERCARD)) == [(M, "default"), (V, None)]
    assert roles(updated(VISA), added(MASTERCARD), backup(MASTERCARD)) == [(V, "default"), (M, "backup")]
    assert roles(updated(VISA), added(MASTERCARD), backup(MASTERCARD), backup(None)) == [(V, "default"), (M, None)]


def test_a_backup_ends_as_the_default_and_when_it_is_removed() -> None:
    chosen = updated(VISA), added(MASTERCARD), backup(MASTERCARD)
    assert roles(*chosen, updated(MASTERCARD)) == [(M, "default"), (V, None)]
    assert roles(*chosen, removed(MASTERCARD)) == [(V, "default")]
    assert roles(*chosen, removed(MASTERCARD), added(MASTERCARD)) == [(V, "default"), (M, None)]


def test_new_details_of_a_card_keep_its_role() -> None:
    renewed = VISA.model_copy(update={"exp_year": 2031})
    view = Published().publish(updated(VISA), payments.PaymentMethodRefreshed(payment_method=renewed)).view()
    assert [(it["exp_year"], it["role"]) for it in view["payment_methods"]] == [(2031, "default")]
    assert view["payment_method"] is not None
    assert view["payment_method"]["exp_year"] == 2031


def test_a_detached_card_is_named_until_the_cards_change() -> None:
    alone, two = (updated(VISA), detached(VISA)), (updated(VISA), added(MASTERCARD))
    promoted = *two, detached(VISA), updated(MASTERCARD)
    assert detached_card(*alone) == (V, True)
    assert detached_card(*promoted) == (V, True)
    assert roles(*promoted) == [(M, "default")]
    assert detached_card(*two, detached(MASTERCARD)) == (M, False)
    assert detached_card(*two, removed(MASTERCARD)) is None
    assert detached_card(*alone, updated(MASTERCARD)) is None
    assert detached_card(*promoted, added(VISA)) is None
    assert detached_card(*two, detached(MASTERCARD), backup(None)) is None
    assert detached_card(*two, detached(VISA), updated(MASTERCARD), updated(VISA)) is None


def test_a_detached_card_changes_the_pane_of_cards() -> None:
    before, after = Published().publish(updated(VISA)).view(), Published().publish(updated(VISA), detached(VISA)).view()
    after["payment_method"], after["payment_methods"] = before["payment_method"], before["payment_methods"]
    assert changed_panes(before, after) == ["payment_method"]


def test_a_document_of_an_earlier_version_has_the_default_alone() -> None:
    source = Source(f"wallet-{ANA}", 3, {"payment_method": VISA.model_dump(mode="json")})
    assert [(it["last4"], it["role"]) for it in compose(ANA, Sources(wallet=source))["payment_methods"]] == [(V, "default")]


def changes(*events: Any) -> list[Any]:
    return list(Published().publish(*events).documents[f"wallet-{ANA}"].doc["changes"])


def test_each_change_of_the_cards_is_in_the_document() -> None:
    renewed = VISA.model_copy(update={"exp_year": 2031})
    happened = changes(
        updated(VISA),
        added(MASTERCARD),
        backup(MASTERCARD),
        backup(None),
        updated(MASTERCARD),
        payments.PaymentMethodRefreshed(payment_method=renewed),
        removed(VISA),
    )
    assert [(it["kind"], it["card"]["last4"]) for it in happened] == [
        ("default", V),
        ("added", M),
        ("backup", M),
        ("no_backup", M),
        ("default", M),
        ("refreshed", V),
        ("removed", V),
    ]
    assert [it["before"]["last4"] for it in happened if "before" in it] == [V, V]
    assert (happened[5]["before"]["exp_year"], happened[5]["card"]["exp_year"]) == (VISA.exp_year, 2031)
    assert [it["consent"]["text"] for it in happened if "consent" in it] == ["backup-1"]
    assert happened[0]["at"].endswith("Z")


def test_a_document_has_the_last_changes_and_no_more() -> None:
    happened = changes(updated(VISA), added(MASTERCARD), *[backup(MASTERCARD), backup(None)] * CHANGES_MAX)
    assert len(happened) == CHANGES_MAX
    assert happened[-1]["kind"] == "no_backup"


def test_another_card_changes_only_the_pane_of_cards() -> None:
    before, after = Published().publish(updated(VISA)).view(), Published().publish(updated(VISA), added(MASTERCARD)).view()
    after["payment_method"] = before["payment_method"]
    assert changed_panes(before, after) == ["payment_method"]
    assert changed_panes(before, before) == []
    assert empty(ANA)["payment_methods"] == []
