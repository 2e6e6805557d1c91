"""The card page: GET shows the fields, POST exchanges the card for a token that is valid once, in this set-up."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.middleware.base import RequestResponseEndpoint

from chassis.http.app import equip
from chassis.http.service_app import ServiceApp
from chassis.text import isolated, with_bdi
from payments.adapters.card_page import files
from payments.adapters.card_page.one_time_words import words_of
from payments.adapters.card_page.submission import MAX_BODY_BYTES, submitted
from payments.adapters.card_page.words import (
    catalogues,
    confirm_text,
    language_of,
    privacy,
    sentences_with_counts,
    too_many_declines,
    words_for,
)
from payments.application.card_setup import Merchant, SetUp
from payments.application.ports import Merchants, OpenSetUps, Tokeniser
from payments.domain import card_input
from presentation import colours

SAMPLE: Final = "4242424242424242"
"""The test number that the page offers."""


def card_page(
    setups: OpenSetUps,
    merchants: Merchants,
    tokeniser: Tokeniser,
    *,
    cards_url: str,
    portal_origin: str,
    larger_bodies: Mapping[str, int] | None = None,
) -> FastAPI:
    """`cards_url` is the address of this page, `portal_origin` the only origin that may frame it.

    `larger_bodies`: limits in bytes by path, for routes that are added to the page's origin.
    """
    app = ServiceApp(title="Card page", openapi_url=None, redirect_slashes=False)
    equip(app, service="payments", max_body_bytes=MAX_BODY_BYTES, larger_bodies=larger_bodies)
    assets = files.load()
    templates = Environment(loader=FileSystemLoader(files.FOLDER), autoescape=True, undefined=StrictUndefined)
    templates.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    names = {"css": "card.css", "js": "card.js", "fields_js": "fields.js", "gone_js": "gone.js"}
    static = {word: assets[name][0] for word, name in names.items()}

    @app.middleware("http")
    async def guarded(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        for name, value in always.items():
            response.headers.setdefault(name, value)
        return response

    async def opened(setup_id: UUID) -> tuple[SetUp, Merchant]:
        """Raises Problem 404 for a set-up that has ended or is unknown."""
        setup = await setups.open(setup_id)
        merchant = await merchants.merchant(setup.merchant_id) if setup else None
        if setup is None or merchant is None:
            raise not_found()
        security_events.note(merchant_id=setup.merchant_id, customer_id=setup.customer_id)
        return setup, merchant

    @app.get("/cards/{setup_id}")
    async def page(setup_id: str, request: Request) -> Response:
        about: dict[str, Any] = {"setup_id": setup_id, "portal_origin": portal_origin, **static}
        accept = ", ".join(request.headers.getlist("accept-language"))
        language = catalogues().choose(catalogues().preferred(accept), None)
        about |= {"lang": language.tag, "words": words_for(language)}
        try:
            setup, merchant = await opened(UUID(setup_id))
        except (Problem, ValueError):
            return HTMLResponse(templates.get_template("gone.html").render(about | {"over": "gone"}), 404)
        except Exception as error:
            fault = problems.problem_of_fault(error, "GET")
            if fault is None:
                raise
            return HTMLResponse(templates.get_template("gone.html").render(about | {"over": "away"}), fault.status, fault.headers)
        language = language_of(setup.locale)
        words = words_of(setup, language)
        about |= {
            "setup_id": setup.id,
            "lang": language.tag,
            "words": words,
            "sentences": words | sentences_with_counts(language),
            "month": merchant.now.strftime("%Y-%m"),
            "numbers": " ".join(sorted(tokeniser.numbers)),
            "sample": SAMPLE if SAMPLE in tokeniser.numbers else None,
            "privacy": Markup(with_bdi(str(escape(privacy(language, isolated(merchant.name)))))),
            "confirm": confirm_text(language, [due.amount for due in setup.due]),
        }
        return HTMLResponse(templates.get_template("card.html").render(about))

    @app.get("/cards/{setup_id}/theme.css")
    async def theme(setup_id: UUID) -> Response:
        setup, _ = await opened(setup_id)
        return Response(colours.stylesheet(setup.colour), media_type="text/css")

    @app.get("/cards/{setup_id}/terms")
    async def terms(setup_id: UUID) -> dict[str, str]:
        setup, _ = await opened(setup_id)
        return {"confirm": confirm_text(language_of(setup.locale), [due.amount for due in setup.due])}

    @app.post("/cards/{setup_id}/token")
    async def token(setup_id: UUID, request: Request) -> Response:
        typed = await submitted(request, cards_url)
        setup, merchant = await opened(setup_id)
        language = language_of(setup.locale)
        words = words_for(language)
        if seconds := await setups.blocked_for(setup.merchant_id, setup.customer_id, setup.pays_invoice):
            raise blocked(seconds, too_many_declines(language, seconds))
        entry = card_input.read(typed.number, typed.exp, typed.cvc, merchant.now.date(), tokeniser.numbers)
        if isinstance(entry, card_input.Mistakes):
            errors = [{"pointer": f"/{name}", "code": code, "detail": words[code]} for name, code in entry.codes.items()]
            raise Problem(422, "card_invalid", words[next(iter(entry.codes.values()))], errors=errors)
        created = await tokeniser.tokenise(setup.merchant_id, setup.id, entry)
        method = created.method
        exp = f"{method.exp_month:02}/{method.exp_year}"
        return JSONResponse({"token": created.token, "brand": method.brand.value, "last4": method.last4, "exp": exp}, 201)

    app.include_router(files.routes(assets))
    return app
