"""All HTML routes, and the files that the pages load."""

from functools import cache
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from chassis.http.methods import methods_of
from chassis.http.problems import not_allowed, not_found
from portal_gateway.adapters.page import (
    cancellation,
    card_entry,
    documents,
    files,
    overview,
    payment,
    request_context,
    saved_cards,
    session,
    shared_invoice,
)
from portal_gateway.adapters.page.assets import Assets
from portal_gateway.adapters.page.error_pages import page_route
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.portal import Portal

PROGRAMS: Final = ("api/", "v1/", "health/", "metrics", "openapi.json", "static/", "theme/", "media/")
"""Addresses for programs: their errors are problems, not pages."""


@cache
def own_assets() -> Assets:
    """Read and compressed once per process."""
    return Assets()


def routes(portal: Portal, cards_origin: str) -> APIRouter:
    """`cards_origin` is the origin of the card frames: scheme, host and port."""
    assets = own_assets()
    pages = Pages(assets, cards_origin)
    router = APIRouter()
    for part in (session, overview, cancellation, card_entry, saved_cards, payment, documents, shared_invoice):
        router.include_router(part.routes(portal, pages))
    router.include_router(files.routes(assets))
    return router


def nowhere(portal: Portal, cards_origin: str) -> APIRouter:
    """The 404 pages of all other addresses. Include it last."""
    pages = Pages(own_assets(), cards_origin)
    router = APIRouter(route_class=page_route(pages), include_in_schema=False)

    @router.get("/{path:path}")
    async def not_found_page(path: str, request: Request) -> Response:
        methods = methods_of(request.app, request.scope["path"])
        problem = not_allowed(methods) if methods else not_found()
        if path.startswith(PROGRAMS):
            return problem.response()
        await request_context.visit(portal, request)
        raise problem

    return router
