"""Several cards: the list, its menus, the dialogs and their results."""

from dataclasses import replace
from typing import Any

from browser.gallery_cards import fields, type_card
from browser.gallery_payments import facing
from browser.gallery_states import Opened, State, Steps, visit
from browser.live_stage import MASTERCARD
from playwright.async_api import expect

from portal_gateway.application.view import View
from support.portal_page import scenes
from support.portal_page.fakes import Stage
from support.portal_page.scenes import EXPIRED_BACKUP, TEN_CARDS, TWO_CARDS, method_id, with_cards

DEFAULT, BACKUP = method_id("4242"), method_id("1117")


def two() -> View:
    return with_cards(*TWO_CARDS)


def four() -> View:
    """The longest names of cards."""
    return with_cards(*TWO_CARDS, scenes.saved("4444", brand="mastercard"), scenes.saved("0005", brand="amex"))


async def added(opened: Opened) -> None:
    await opened.go("/")
    await opened.press("#add-card")
    await expect(fields(opened).locator("#number")).to_be_enabled()
    await type_card(opened, MASTERCARD)
    await opened.see("dialog [data-new-card]")


def dialog(action: str, card: str) -> Steps:
    return visit("/", f"#options-{card}", f"#{action}-{card}", see="dialog [data-sheet=card-action]")


def changed(stage: Stage) -> None:
    """The second card has become the backup and then the default."""
    first, second = ({name: card[name] for name in ("id", "brand", "last4", "exp_month", "exp_year")} for card in TWO_CARDS)
    consent = {"text": "backup-1", "language": "es", "at": scenes.instant(2023, 5, 2)}
    changes: Any = [
        {"at": scenes.instant(2023, 5, 1), "kind": "default", "card": first},
        {"at": scenes.instant(2023, 5, 2), "kind": "added", "card": second},
        {"at": scenes.instant(2023, 5, 2), "kind": "backup", "card": second, "consent": consent},
        {"at": scenes.instant(2023, 5, 9), "kind": "default", "card": second, "before": first},
        {"at": scenes.instant(2023, 5, 9), "kind": "removed", "card": first},
    ]
    stage.views.changes = changes


def owing() -> View:
    expired = scenes.saved("0341", "default", exp_year=2022)
    cards = (expired, *TWO_CARDS[1:], scenes.saved("0005", brand="amex"))
    default = {**{name: expired[name] for name in ("id", "brand", "last4", "exp_month", "exp_year")}, "version": 1}
    view = scenes.owing()
    facts: Any = {**view.facts, "payment_methods": list(cards), "payment_method": default}
    return replace(view, facts=facts)


STATES = (
    State("pay-with-one-of-several", owing, visit(f"/invoices/{scenes.invoice_id(14)}/payment", see="#pay-with"), facing()),
    State("cards-two", two),
    State("cards-four", four),
    State("cards-menu", two, visit("/", f"#options-{BACKUP}", see=f"#remove-{BACKUP}")),
    State("cards-ten", lambda: with_cards(*TEN_CARDS)),
    State("cards-changes", two, visit("/", "#card-changes", see="dialog [data-sheet=card-changes]"), changed),
    State("cards-changes-none-yet", two, visit("/payment-methods/changes"), script=False),
    State("cards-expired-backup", lambda: with_cards(*EXPIRED_BACKUP)),
    State("cards-two-without-script", two, script=False),
    State("card-added", two, added),
    State("card-detached", lambda: with_cards(detached_card=scenes.detached(was_default=True))),
    State("card-detached-and-another", lambda: with_cards(TWO_CARDS[0], detached_card=scenes.detached(was_default=True))),
    State("card-make-default", two, dialog("default", BACKUP)),
    State("card-choose-backup", four, dialog("backup", method_id("0005"))),
    State("card-stop-backup", two, dialog("no-backup", BACKUP)),
    State("card-remove", two, dialog("remove", DEFAULT)),
    State(
        "card-remove-the-last", lambda: with_cards(scenes.saved("4242", "default")), visit(f"/payment-methods/{DEFAULT}/remove")
    ),
    State("card-removed", two, visit(f"/payment-methods/{BACKUP}/remove", "main button.danger", see="[data-outcome]")),
    State("card-remove-without-script", two, visit(f"/payment-methods/{DEFAULT}/remove"), script=False),
)
