"""The portal's main page: the four panes of a customer and one of their subscriptions."""

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from portal_gateway.adapters.page import request_context
from portal_gateway.adapters.page.error_pages import page_route
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.live import mark, minutes_late
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation.common import STALE, Reader, account, freshness, shown
from portal_gateway.application.presentation.details import details, is_kept, next_invoice
from portal_gateway.application.presentation.invoices import STATUSES, Row, made_so_far, rows
from portal_gateway.application.presentation.notice import notice
from portal_gateway.application.presentation.other_debts import other_debts
from portal_gateway.application.presentation.payment_method import method, warning
from portal_gateway.application.presentation.payment_offer import offer
from portal_gateway.application.presentation.saved_cards import saved_cards
from portal_gateway.application.presentation.summary import summary
from portal_gateway.application.presentation.switcher import choices
from portal_gateway.application.refusals import InvalidCursor
from portal_gateway.application.requests import InvoiceQuery
from portal_gateway.application.results import InvoicePage
from portal_gateway.application.subscription_status import CANCELLABLE
from portal_gateway.application.view import View, Visit
from portal_gateway.domain.access import IDLE
from portal_gateway.domain.view import Subscription
from presentation.languages import N_

SESSION_CHANGED: Final = N_(
    "The portal was opened here with another link. You're now viewing the account of %(account)s; your request wasn't processed."
)
KEEP_CONFIRMATION: Final = N_("Your subscription stays active. Nothing else changes.")
LONG_DOWNLOAD: Final = 100
"""From so many invoices on, the page shows the progress of a download."""


@dataclass(frozen=True, slots=True)
class Message:
    """The one-time message of a page: `session_changed` or `kept`."""

    code: str
    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class History:
    """The pane of invoices: its rows, its filter, and where its links lead."""

    rows: list[Row]
    any: bool
    downloading: str | None
    """The progress text of a long download; None for a short one."""
    has_filter: bool
    filtered: bool
    years: list[int]
    year: int | None
    statuses: dict[str, str]
    """Code -> text."""
    status: str | None
    older: str | None
    newest: str | None
    all: str
    errors: dict[str, str]
    """The error of each invalid filter field."""
    first_on: str | None
    """The day on which an empty history gets its first invoice; None if that is not known."""
    lost: bool
    """The address's cursor is invalid: the newest invoices are shown."""


def routes(portal: Portal, pages: Pages) -> APIRouter:
    router = APIRouter(route_class=page_route(pages), include_in_schema=False)

    @router.get("/")
    async def overview(request: Request) -> Response:
        visit = await request_context.visit(
            portal, request, request_context.after(request), keep_alive=request_context.by_customer(request)
        )
        query = request_context.history_query(request)
        invalid = request_context.invalid_filters(request, query)
        try:
            page = await _history_page(portal, visit, query)
        except InvalidCursor:
            query, invalid = replace(query, cursor=None), invalid | {"cursor"}
            page = await _history_page(portal, visit, query)
        words = overview_words(visit, request, query, invalid, page)
        status = 422 if invalid else 404 if words["unknown"] else 200
        return pages.page("portal.html", request, status=status, **words)

    @router.get("/cancel")
    async def cancel(request: Request) -> Response:
        """The target of a cancellation link: the dialog of the only cancellable subscription, else the page."""
        visit = await request_context.visit(portal, request)
        cancellable = [s["id"] for s in visit.view.facts["subscriptions"] if s["status"] in CANCELLABLE]
        return RedirectResponse(f"/subscriptions/{cancellable[0]}/cancel" if len(cancellable) == 1 else "/", 303)

    return router


async def _history_page(portal: Portal, visit: Visit, query: InvoiceQuery) -> InvoicePage:
    """The view contains the newest invoices: only a filter or an older page needs a query."""
    facts = visit.view.facts
    if query != InvoiceQuery():
        return await portal.invoices(visit.session, query)
    newest = facts["invoices"]
    more = facts["invoice_count"] > len(newest) > 0
    return InvoicePage(newest, portal.history.cursor_after(visit.session, newest[-1]) if more else None)


def overview_words(visit: Visit, request: Request, query: InvoiceQuery, invalid: Set[str], page: InvoicePage) -> dict[str, Any]:
    """`invalid`: the invalid parameters among year, status and cursor."""
    view, language, here = visit.view, request_context.language(request), request_context.navigation_state(request)
    reader, facts, now = Reader.of(view, language), view.facts, datetime.now(UTC)
    chosen = shown(facts["subscriptions"], request_context.chosen_subscription(request))
    owed, late = notice(reader, chosen, view) if chosen else None, freshness(view, language, now)
    others = other_debts(reader, view, chosen)
    card = None if others or (owed and owed.pay) else warning(reader, view)
    news = [
        *([owed.lead] if owed else []),
        *(other.says for other in others),
        *([card.lead] if card else []),
        *([language.say(STALE)] if late else []),
    ]
    return {
        "return_url": visit.session.return_url,
        "revision": view.revision,
        "mark": mark(view.pending, minutes_late(view.as_of, view.stale, now)),
        "idle_minutes": IDLE.seconds // 60,
        "message": _message(reader, request.query_params.get("said"), chosen, view),
        "unknown": bool(request.query_params.get("subscription")) and "subscription" not in here,
        "freshness": late,
        "news": news[0] if news else "",
        "choices": [
            (request_context.address("/", here | {"subscription": choice.id}), choice)
            for choice in choices(reader, facts["subscriptions"], chosen, view)
        ],
        "summary": summary(reader, chosen, view) if chosen else None,
        "notice": owed,
        "card_notice": card,
        "other_debts": [(request_context.address("/", here | {"subscription": it.subscription_id}), it) for it in others],
        "offer": offer(reader, view, chosen) if chosen else None,
        "details": details(reader, chosen, view) if chosen else None,
        "method": method(reader, view),
        "cards": saved_cards(reader, view),
        "history": _history(reader, view, chosen, here, query, invalid, page),
    }


def _message(reader: Reader, code: str | None, chosen: Subscription | None, view: View) -> Message | None:
    """The message that the address requests, if it is true."""
    if code == "session_changed":
        return Message(code, "warn", reader.say(SESSION_CHANGED, account=account(view)))
    if code == "kept" and chosen and is_kept(chosen, view):
        return Message(code, "good", reader.say(KEEP_CONFIRMATION))
    return None


def _history(
    reader: Reader,
    view: View,
    chosen: Subscription | None,
    here: dict[str, str],
    query: InvoiceQuery,
    invalid: Set[str],
    page: InvoicePage,
) -> History:
    facts, unfiltered = view.facts, {name: value for name, value in here.items() if name == "subscription"}
    filtered = bool(query.year or query.status)
    errors = {"year": reader.say("Choose a year from the list."), "status": reader.say("Choose a status from the list.")}
    return History(
        rows=rows(reader, page.items, view.pending),
        any=facts["invoice_count"] > 0,
        downloading=made_so_far(reader.language, 0, facts["invoice_count"]) if facts["invoice_count"] >= LONG_DOWNLOAD else None,
        has_filter=bool(filtered or invalid)
        or facts["invoice_count"] > len(facts["invoices"])
        or len(facts["invoice_years"]) > 1,
        filtered=filtered,
        years=sorted({*facts["invoice_years"], *([query.year] if query.year else [])}, reverse=True),
        year=query.year,
        statuses={code: reader.say(words) for code, words in STATUSES.items()},
        status=query.status,
        older=request_context.address("/", here | {"cursor": page.next_cursor}) if page.next_cursor else None,
        newest=request_context.address("/", here) if query.cursor else None,
        all=request_context.address("/", unfiltered),
        errors={name: error for name, error in errors.items() if name in invalid},
        first_on=next_invoice(reader, chosen) if chosen else None,
        lost="cursor" in invalid,
    )
