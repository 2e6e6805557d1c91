"""The page on which the customer confirms a charge at their bank: the sandbox's question, or the provider's own window."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from chassis.http import security_events
from chassis.http.problems import not_found
from chassis.text import isolated
from payments.adapters.card_page.pages import Pages
from payments.adapters.card_page.ports import CardPagePorts
from payments.adapters.card_page.submission import bank_answer, refuse_foreign
from payments.adapters.card_page.words import CONFIRMATION_GONE, bank_words, confirmation_words, language_of, stripe_locale
from payments.application.card_setup import Merchant, OpenAuthentication
from payments.application.charges import UnknownChallenge
from presentation import colours


def routes(ports: CardPagePorts, pages: Pages, cards_url: str) -> APIRouter:
    api = APIRouter()

    async def opened(setup_id: UUID, charge_id: UUID) -> tuple[OpenAuthentication, Merchant]:
        """Raises Problem 404 unless the set-up was opened for this charge and is still open."""
        found = await ports.authentications.open(setup_id, charge_id)
        merchant = await ports.merchants.merchant(found.setup.merchant_id) if found else None
        if found is None or merchant is None:
            raise not_found()
        security_events.note(merchant_id=found.setup.merchant_id, customer_id=found.setup.customer_id)
        return found, merchant

    @api.get("/cards/{setup_id}/confirm/{charge_id}")
    async def page(setup_id: str, charge_id: str, request: Request) -> Response:
        try:
            found, merchant = await opened(UUID(setup_id), UUID(charge_id))
            challenge = None if found.ended else await ports.challenge(found.order)
        except Exception as error:
            return pages.absent(setup_id, request, error, gone=CONFIRMATION_GONE)
        language = language_of(found.setup.locale)
        words = bank_words(language, isolated(merchant.name), found.order.amount) | confirmation_words(language)
        return pages.page(
            "confirm.html",
            found.setup,
            with_stripe=challenge is not None and challenge.publishable_key is not None,
            charge_id=found.order.charge_id,
            state="over" if found.ended else "ask" if challenge else "wait",
            challenge=challenge,
            bank=pages.address("bank.js"),
            sentences=words,
            locale=stripe_locale(language),
        )

    @api.get("/cards/{setup_id}/confirm/{charge_id}/theme.css")
    async def theme(setup_id: UUID, charge_id: UUID) -> Response:
        found, _ = await opened(setup_id, charge_id)
        return Response(colours.stylesheet(found.setup.colour), media_type="text/css")

    @api.post("/cards/{setup_id}/confirm/{charge_id}", status_code=204)
    async def answer(setup_id: UUID, charge_id: UUID, request: Request) -> Response:
        """The customer has answered. The charge's outcome is then requested from the provider, whatever the page reports."""
        refuse_foreign(request, cards_url)
        found, _ = await opened(setup_id, charge_id)
        given, order = await bank_answer(request), found.order
        try:
            if given.answer == "approve":
                await ports.bank.approve(order.merchant_id, order.charge_id, given.secret)
            elif given.answer == "reject":
                await ports.bank.reject(order.merchant_id, order.charge_id, given.secret)
        except UnknownChallenge:
            raise not_found() from None
        await ports.authentications.wake(order.merchant_id, order.charge_id)
        return Response(status_code=204)

    return api
