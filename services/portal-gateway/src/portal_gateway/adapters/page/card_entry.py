"""Editing the payment method: the page around the card frame. No field here ever holds a card."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from portal_gateway.adapters.page import asking
from portal_gateway.adapters.page.refusing import page_route
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.portal import Portal
from portal_gateway.application.wording import BRANDS, Reader
from portal_gateway.application.wording_invoices import STATUSES, badge
from portal_gateway.application.wording_payment import method
from portal_gateway.application.wording_subscription import renewals


def routes(portal: Portal, pages: Pages) -> APIRouter:
    router = APIRouter(route_class=page_route(pages), include_in_schema=False)

    @router.get("/payment-method")
    async def edit(request: Request) -> Response:
        visit = await asking.visit(portal, request)
        reader = Reader.of(visit.view, asking.language(request))
        return pages.page(
            "payment_method.html",
            request,
            heading=method(reader, visit.view).button,
            renewals=renewals(reader, visit.view),
            brands=BRANDS,
            outcomes={status: badge(reader, status) for status in STATUSES},
        )

    return router
