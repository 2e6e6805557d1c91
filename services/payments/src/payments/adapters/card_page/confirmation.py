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
        opening = await ports.authentications.open(setup_id, charge_id)
        merchant = await ports.merchants.merchant(opening.setup.merchant_id) if opening else None
        if opening is None or merchant is None:
            raise not_found()
        security_events.note(merchant_id=opening.setup.merchant_id, customer_id=opening.setup.customer_id)
        return opening, merchant

    @api.get("/cards/{setup_id}/confirm/{charge_id}")
    async def page(setup_id: str, charge_id: str, request: Request) -> Response:
        try:
            opening, merchant = await opened(UUID(setup_id), UUID(charge_id))
            challenge = None if opening.ended else await ports.challenge(opening.order)
        except Exception as error:
            return pages.absent(setup_id, request, error, gone=CONFIRMATION_GONE)
        language = language_of(opening.setup.locale)
        words = bank_words(language, isolated(merchant.name), opening.order.amount) | confirmation_words(language)
        return pages.page(
            "confirm.html",
            opening.setup,
            with_stripe=challenge is not None and challenge.publishable_key is not None,
            charge_id=opening.order.charge_id,
            state="over" if opening.ended else "ask" if challenge else "wait",
            challenge=challenge,
            bank=pages.address("bank.js"),
            sentences=words,
            locale=stripe_locale(language),
        )

    @api.get("/cards/{setup_id}/confirm/{charge_id}/theme.css")
    async def theme(setup_id: UUID, charge_id: UUID) -> Response:
        opening, _ = await opened(setup_id, charge_id)
        return Response(colours.stylesheet(opening.setup.colour), media_type="text/css")

    @api.post("/cards/{setup_id}/confirm/{charge_id}", status_code=204)
    async def answer(setup_id: UUID, charge_id: UUID, request: Request) -> Response:
        """The customer has answered. The charge's outcome is then requested from the provider, also after a rejection."""
        refuse_foreign(request, cards_url)
        opening, _ = await opened(setup_id, charge_id)
        choice, order = await bank_answer(request), opening.order
        if choice.answer != "done":
            if ports.bank is None:
                raise not_found()
            answer_bank = ports.bank.approve if choice.answer == "approve" else ports.bank.reject
            try:
                await answer_bank(order.merchant_id, order.charge_id, choice.secret)
            except UnknownChallenge:
                raise not_found() from None
        await ports.authentications.wake(order.merchant_id, order.charge_id)
        return Response(status_code=204)

    return api
