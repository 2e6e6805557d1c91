"""The origin on which cards are entered and payments are confirmed at the bank: its pages and their headers."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.middleware.base import RequestResponseEndpoint

from chassis.http.app import equip
from chassis.http.service_app import ServiceApp
from payments.adapters.card_page import card_entry, confirmation, files
from payments.adapters.card_page.pages import Pages
from payments.adapters.card_page.policies import STRIPE_JS, headers
from payments.adapters.card_page.ports import CardPagePorts
from payments.adapters.card_page.submission import MAX_BODY_BYTES


def card_page(
    ports: CardPagePorts,
    *,
    cards_url: str,
    portal_origin: str,
    stripe_script: str = STRIPE_JS,
    larger_bodies: Mapping[str, int] | None = None,
) -> FastAPI:
    """`cards_url` is the address of this origin, `portal_origin` the only origin that may frame its pages.

    `larger_bodies`: limits in bytes by path, for routes that are added to this origin.
    """
    app = ServiceApp(title="Card page", openapi_url=None, redirect_slashes=False)
    equip(app, service="payments", max_body_bytes=MAX_BODY_BYTES, larger_bodies=larger_bodies)
    assets, always = files.load(), headers(cards_url, portal_origin)
    pages = Pages(assets, portal_origin, stripe_script)

    @app.middleware("http")
    async def guarded(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        for name, value in always.items():
            response.headers.setdefault(name, value)
        return response

    app.include_router(card_entry.routes(ports, pages, cards_url))
    app.include_router(confirmation.routes(ports, pages, cards_url))
    app.include_router(files.routes(assets))
    return app
