"""Every page isolates user input in `<bdi>`, so that its direction does not affect the text around it."""

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, cast
from unicodedata import bidirectional
from uuid import UUID

from chassis.http.problems import Problem
from portal_gateway.adapters.page.rendering import environment
from portal_gateway.application.results import DueCharge
from support.portal_page import scenes
from support.portal_page.fakes import Stage
from support.portal_page.scenes import PREMIUM, invoice_id, method_id

NAME, FSI, PDI = "חברה (7)", "\u2068", "\u2069"
OLDER = f"\u202e{NAME}\u2069"
"""Text with a direction mark, which older data can contain."""
PLAN = scenes.plan(name=OLDER, description=OLDER, tax={"name": OLDER, "rate_basis_points": 1600, "inclusive": False})
MERCHANT = scenes.merchant(name=OLDER)
CHARGE = UUID(int=7)
WAITING = 99
"""The revision of the view in which a charge waits for the customer's bank."""
CUSTOMER = {"id": str(scenes.CUSTOMER), "name": OLDER, "email": "ana@example.com", "locale": "es-MX", "country": "MX"}


def view(**changes: Any) -> Any:
    another = scenes.subscription(id=invoice_id(99), plan=PLAN, started_at=scenes.instant(2021, 1, 1))
    rows = [scenes.invoice(number, plan_name=OLDER) for number in range(14, 2, -1)]
    first = scenes.subscription(plan=PLAN, **changes)
    return scenes.view(first, another, merchant=MERCHANT, customer=CUSTOMER, invoices=rows)


def ending() -> Any:
    return view(cancellation=scenes.ending()["cancellation"], version=13)


def waiting() -> Any:
    """The customer's bank waits for a confirmation."""
    return replace(view(), revision=WAITING)


def two_cards() -> Any:
    return replace(view(), facts={**view().facts, "payment_methods": list(scenes.TWO_CARDS)})


def owed(shown: Any, path: str) -> dict[str, Any]:
    """The invoice can be paid on the page that offers it, and is paid on every other."""
    if shown.revision == WAITING:
        return {"status": "processing", "authenticate_until": scenes.instant(2023, 5, 20), "charge_id": str(CHARGE)}
    return {"status": "failed"} if path.endswith("/payment") else {}


def owed_to(number: int) -> DueCharge:
    """One charge of each subscription."""
    subscription = PREMIUM if number == 14 else invoice_id(99)
    period = {"start": scenes.instant(2023, 5, 14), "end": scenes.instant(2023, 6, 14)}
    amount = {"amount_minor": 2999, "currency": "USD"}
    charge = {"invoice_id": invoice_id(number), "number": f"TS-0000{number}", "amount": amount}
    return cast(DueCharge, {**charge, "subscription_id": subscription, "period": period})


def invoice(**changes: Any) -> dict[str, Any]:
    line = {**scenes.whole_invoice()["lines"][0], "plan_name": OLDER, "description": OLDER}
    party = {"name": OLDER, "address": f"{OLDER}\n{OLDER}", "tax_id": OLDER, "email": "ana@example.com"}
    tax = {"name": OLDER, "rate_basis_points": 1600, "inclusive": True}
    return scenes.whole_invoice(seller=party, bill_to=party, lines=[line], tax=tax, plan_name=OLDER, **changes)


class Walk(HTMLParser):
    """Finds right-to-left text outside of `<bdi>`, and in titles and attributes outside of an isolate."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loose: list[str] = []
        self.isolated = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if turns(value or "") and not (FSI in (value or "") and PDI in (value or "")):
                self.loose.append(f"<{tag} {name}={value!r}>")
        if tag not in ("meta", "link", "input", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not turns(data):
            return
        if "bdi" in self.open or ("title" in self.open and FSI in data and PDI in data):
            self.isolated += 1
        else:
            self.loose.append(data)


def turns(text: str) -> bool:
    return any(bidirectional(c) in ("R", "AL", "RLO", "RLE", "RLI") for c in text)


PAGES: list[tuple[Any, str, int]] = [
    (view(), "/", 12),
    (replace(view(), merchant=scenes.merchant(name=OLDER, branding={"logo_media_id": "0" * 64, "colour": None})), "/", 12),
    (view(), "/?said=session_changed", 12),
    (view(), f"/subscriptions/{PREMIUM}/cancel", 3),
    (ending(), f"/subscriptions/{PREMIUM}/cancel?after=subscription-{PREMIUM}:13", 3),
    (view(status="canceled", ended_at=scenes.instant(2023, 5, 14)), f"/subscriptions/{PREMIUM}/cancel", 3),
    (view(), f"/invoices/{invoice_id(14)}", 12),
    (view(), "/payment-method", 3),
    (two_cards(), f"/payment-methods/{method_id('4242')}/default", 3),
    (two_cards(), f"/payment-methods/{method_id('1117')}/backup", 4),
    (two_cards(), f"/payment-methods/{method_id('4242')}/default?after=wallet-{scenes.CUSTOMER}:3", 2),
    (two_cards(), "/payment-methods/changes", 2),
    (view(), f"/invoices/{invoice_id(14)}/payment", 3),
    (waiting(), f"/invoices/{invoice_id(14)}/payment", 3),
    (view(), f"/invoices/{invoice_id(14)}/payment?after=payment-{invoice_id(14)}:3", 1),
    (view(), "/ended", 2),
    (view(), "/nowhere", 2),
    (view(), f"/invoices/{invoice_id(14)}/link", 2),
    (view(), "/shared-invoice", 8),
    (view(), "/shared-invoice/payment", 1),
    (waiting(), "/shared-invoice/confirmation", 2),
]


async def walked(stage: Stage, path: str, session: Any = None) -> Walk:
    async with stage.browser() as browser:
        answer = await browser.get(path)
    walk = Walk()
    walk.feed(answer.text)
    return walk


async def test_every_page_isolates_user_input() -> None:
    environment.cache_clear()
    for shown, path, least in PAGES:
        stage = Stage(shown, scenes.session(return_url="https://techsolutions.example/back"))
        stage.invoicing.invoice_is = invoice(**owed(shown, path))
        stage.payments.due = [owed_to(14), owed_to(13)]
        stage.invoice_links.live = scenes.invoice_session(charge_id=CHARGE)
        walk = await walked(stage, path)
        assert walk.loose == [], path
        assert walk.isolated >= least, path
    async with Stage().browser(signed_in=False) as browser:
        await browser.get("/enter")
    seen = {name for _, name in environment("es").cache or ()}
    assert seen >= set(environment("es").list_templates())


async def test_a_problem_page_isolates_the_account() -> None:
    stage = Stage(view())
    stage.subscriptions.refuses_preview = Problem(503, "service_unavailable", "Away")
    walk = await walked(stage, f"/subscriptions/{PREMIUM}/cancel")
    assert (walk.loose, walk.isolated > 0) == ([], True)


def test_the_check_finds_text_that_is_not_isolated() -> None:
    walk = Walk()
    walk.feed(f'<title>{NAME}</title><p title="{NAME}"><bdi>{NAME}</bdi><b>{NAME}</b></p>')
    assert (len(walk.loose), walk.isolated) == (3, 1)
