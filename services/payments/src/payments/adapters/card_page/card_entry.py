"""The page on which a card is entered: with this service's own fields, or with the provider's.

With the provider's fields no route here accepts a card number: `POST /cards/{id}/token` answers 404 without reading the body.
Without a tokeniser that route does not exist.
"""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from chassis.http import security_events
from chassis.http.problems import Problem, not_found
from chassis.text import isolated
from payments.adapters.card_page.one_time_words import words_of
from payments.adapters.card_page.pages import Pages
from payments.adapters.card_page.ports import CardPagePorts
from payments.adapters.card_page.submission import bank_answer, refuse_foreign, submitted
from payments.adapters.card_page.words import (
    bank_words,
    confirm_text,
    language_of,
    provider_words,
    sentences_with_counts,
    stripe_locale,
    too_many_declines,
    words_for,
)
from payments.application.card_setup import Merchant, OwnFields, ProviderFields, SetUp
from payments.application.charges import NoAnswer, UnknownToken
from payments.domain import card_input
from presentation import colours

SAMPLE: Final = "4242424242424242"
"""The test number that the page offers."""


def routes(ports: CardPagePorts, pages: Pages, cards_url: str) -> APIRouter:
    api, tokeniser = APIRouter(), ports.tokeniser

    async def opened(setup_id: UUID) -> tuple[SetUp, Merchant]:
        """Raises Problem 404 for a set-up that has ended or is unknown."""
        setup = await ports.setups.open(setup_id)
        merchant = await ports.merchants.merchant(setup.merchant_id) if setup else None
        if setup is None or merchant is None:
            raise not_found()
        security_events.note(merchant_id=setup.merchant_id, customer_id=setup.customer_id)
        return setup, merchant

    async def with_own_fields(setup_id: UUID) -> tuple[SetUp, Merchant]:
        """Raises Problem: 404 also for a set-up with the provider's fields, 503 if the provider does not answer."""
        setup, merchant = await opened(setup_id)
        try:
            fields = await ports.fields(setup)
        except NoAnswer:
            raise Problem(503, "service_unavailable", "The payment provider does not answer") from None
        if not isinstance(fields, OwnFields):
            raise not_found()
        return setup, merchant

    @api.get("/cards/{setup_id}")
    async def page(setup_id: str, request: Request) -> Response:
        try:
            setup, merchant = await opened(UUID(setup_id))
            fields = await ports.fields(setup)
        except Exception as error:
            return pages.absent(setup_id, request, error)
        language = language_of(setup.locale)
        words = words_of(setup, language) | sentences_with_counts(language)
        if isinstance(fields, ProviderFields):
            more: dict[str, Any] = {"fields": fields, "locale": stripe_locale(language)}
            words |= provider_words(language)
            return pages.card("provider.html", setup, merchant, with_stripe=True, sentences=words, **more)
        if tokeniser is None:
            return pages.absent(setup_id, request, not_found())
        numbers = tokeniser.numbers
        more = {"numbers": " ".join(sorted(numbers)), "sample": SAMPLE if SAMPLE in numbers else None}
        return pages.card("card.html", setup, merchant, sentences=words, month=merchant.now.strftime("%Y-%m"), **more)

    @api.get("/cards/{setup_id}/theme.css")
    async def theme(setup_id: UUID) -> Response:
        setup, _ = await opened(setup_id)
        return Response(colours.stylesheet(setup.colour), media_type="text/css")

    @api.get("/cards/{setup_id}/terms")
    async def terms(setup_id: UUID) -> dict[str, str]:
        setup, _ = await opened(setup_id)
        return {"confirm": confirm_text(language_of(setup.locale), [due.amount for due in setup.due])}

    if tokeniser is None:
        return api

    @api.post("/cards/{setup_id}/token")
    async def token(setup_id: UUID, request: Request) -> Response:
        refuse_foreign(request, cards_url)
        setup, merchant = await with_own_fields(setup_id)
        typed = await submitted(request)
        language = language_of(setup.locale)
        words = words_for(language)
        if seconds := await ports.setups.blocked_for(setup.merchant_id, setup.customer_id, setup.pays_invoice):
            raise blocked(seconds, too_many_declines(language, seconds))
        card = card_input.read(typed.number, typed.exp, typed.cvc, merchant.now.date(), tokeniser.numbers)
        if isinstance(card, card_input.Mistakes):
            errors = [{"pointer": f"/{name}", "code": code, "detail": words[code]} for name, code in card.codes.items()]
            raise Problem(422, "card_invalid", words[next(iter(card.codes.values()))], errors=errors)
        created = await tokeniser.tokenise(setup.merchant_id, setup.id, card)
        method = created.method
        exp = f"{method.exp_month:02}/{method.exp_year}"
        body: dict[str, object] = {"token": created.token, "brand": method.brand.value, "last4": method.last4, "exp": exp}
        if created.asks:
            body["challenge"] = {"script": pages.address("bank.js"), "words": bank_words(language, isolated(merchant.name))}
        return JSONResponse(body, 201)

    @api.post("/cards/{setup_id}/token/answer", status_code=204)
    async def answer(setup_id: UUID, request: Request) -> Response:
        """What the customer answered their bank about saving the card."""
        refuse_foreign(request, cards_url)
        setup, _ = await with_own_fields(setup_id)
        choice = await bank_answer(request)
        try:
            await tokeniser.answer(setup.merchant_id, setup.id, choice.secret, approved=choice.answer == "approve")
        except UnknownToken:
            raise not_found() from None
        return Response(status_code=204)

    return api


def blocked(seconds: int, title: str) -> Problem:
    return Problem(429, "too_many_declines", title, headers={"retry-after": str(seconds)}, more={"retry_after": seconds})
