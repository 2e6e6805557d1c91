"""The card dialog around the card frame. No field of the portal ever contains a card number."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from portal_gateway.adapters.page import request_context
from portal_gateway.adapters.page.error_pages import page_route
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation.cards_on_file import saved
from portal_gateway.application.presentation.common import BRANDS, Reader
from portal_gateway.application.presentation.invoices import STATUSES, badge
from portal_gateway.application.presentation.payment_method import method
from portal_gateway.application.presentation.price import renewals


def routes(portal: Portal, pages: Pages) -> APIRouter:
    router = APIRouter(route_class=page_route(pages), include_in_schema=False)

    @router.get("/payment-method")
    async def edit(request: Request) -> Response:
        visit = await request_context.visit(portal, request)
        reader, card = Reader.of(visit.view, request_context.language(request)), visit.view.facts["payment_method"]
        return pages.page(
            "payment_method.html",
            request,
            heading=method(reader, visit.view).button,
            adding=False,
            current=reader.say("Current card: %(card)s", card=reader.card(card)) if card else None,
            renewals=renewals(reader, visit.view),
            brands=BRANDS,
            outcomes={status: badge(reader, status) for status in STATUSES},
        )

    @router.get("/payment-methods/new")
    async def add(request: Request) -> Response:
        """The same dialog for a card beside the others. Nothing is charged."""
        visit = await request_context.visit(portal, request)
        reader = Reader.of(visit.view, request_context.language(request))
        return pages.page(
            "payment_method.html",
            request,
            heading=reader.say("Add another card"),
            adding=True,
            current=reader.say("Your default card stays the same. Nothing is charged now.") if saved(visit.view) else None,
            renewals=[],
            brands=BRANDS,
            outcomes={},
        )

    return router
