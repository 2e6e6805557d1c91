"""All routes of the customer's JSON API."""

from fastapi import APIRouter

from portal_gateway.adapters.api.cards import card_routes
from portal_gateway.adapters.api.commands import command_routes
from portal_gateway.adapters.api.dependencies import SessionDependencies
from portal_gateway.adapters.api.invoices import credit_note_routes, invoice_routes
from portal_gateway.adapters.api.overview import overview_routes
from portal_gateway.adapters.api.session import session_routes
from portal_gateway.adapters.api.shared_invoice import shared_invoice_routes
from portal_gateway.application.live import ChangeSignals
from portal_gateway.application.portal import Portal


def api_routes(portal: Portal, signals: ChangeSignals) -> APIRouter:
    api, dependencies = APIRouter(), SessionDependencies(portal)
    api.include_router(session_routes(portal, dependencies))
    api.include_router(overview_routes(portal, signals))
    api.include_router(command_routes(portal, dependencies))
    api.include_router(card_routes(portal, dependencies))
    api.include_router(invoice_routes(portal, dependencies))
    api.include_router(credit_note_routes(portal, dependencies))
    api.include_router(shared_invoice_routes(portal, dependencies))
    return api
