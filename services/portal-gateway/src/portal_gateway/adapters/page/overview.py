"""The page itself: the four panes of one customer, of one of their subscriptions."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from chassis.languages import N_, Language, own_name
from portal_gateway.adapters.page import asking
from portal_gateway.adapters.page.refusing import page_route
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.answers import InvoicePage, InvoiceQuery, View, Visit
from portal_gateway.application.live import mark, minutes_late
from portal_gateway.application.portal import Portal
from portal_gateway.application.wording import STALE, Reader, account, company, freshness, shown
from portal_gateway.application.wording_invoices import STATUSES, Row, rows
from portal_gateway.application.wording_language import catalogues
from portal_gateway.application.wording_payment import method
from portal_gateway.application.wording_problems import SESSION_CHANGED
from portal_gateway.application.wording_subscription import CANCELLABLE, choices, details, notice, summary
from portal_gateway.domain.view import Subscription

SAID: Final = {"kept": N_("You keep your subscription: everything goes on as before."), "session_changed": SESSION_CHANGED}


@dataclass(frozen=True, slots=True)
class OtherLanguage:
    code: str
    name: str
    """Its own: `Español`."""
    url: str


@dataclass(frozen=True, slots=True)
class History:
    """The pane of invoices: its rows, its filter, and where its links lead."""

    rows: list[Row]
    any: bool
    has_filter: bool
    filtered: bool
    years: list[int]
    year: int | None
    statuses: dict[str, str]
    """Their words, by their codes."""
    status: str | None
    older: str | None
    newest: str | None
    all: str


def routes(portal: Portal, pages: Pages) -> APIRouter:
    router = APIRouter(route_class=page_route(pages), include_in_schema=False)

    @router.get("/")
    async def overview(request: Request) -> Response:
        visit = await portal.visit(asking.cookie(request), asking.after(request), keep_alive=asking.by_customer(request))
        query = asking.history_query(request)
        page = await _history_page(portal, visit, query)
        language = asking.language(request, visit.session, visit.view)
        words = overview_words(visit, language, request, query, page)
        return pages.page(
            "portal.html", language, company=company(visit.view.merchant), headers=asking.language_cookie(request), **words
        )

    @router.get("/cancel")
    async def cancel(request: Request) -> Response:
        """Where a link for cancelling leads: to the subscription, when there is no choice to make."""
        visit = await portal.visit(asking.cookie(request))
        open_ones = [s["id"] for s in visit.view.facts["subscriptions"] if s["status"] in CANCELLABLE]
        return RedirectResponse(f"/subscriptions/{open_ones[0]}/cancel" if len(open_ones) == 1 else "/", 303)

    return router


async def _history_page(portal: Portal, visit: Visit, query: InvoiceQuery) -> InvoicePage:
    """The newest are in the view already: only another filter or an older page asks once more."""
    facts = visit.view.facts
    if query != InvoiceQuery():
        return await portal.invoices(visit.session, query)
    newest = facts["invoices"]
    more = facts["invoice_count"] > len(newest) > 0
    return InvoicePage(newest, portal.history.cursor_after(visit.session, newest[-1]) if more else None)


def overview_words(visit: Visit, language: Language, request: Request, query: InvoiceQuery, page: InvoicePage) -> dict[str, Any]:
    view = visit.view
    reader, facts, now = Reader.of(view, language), view.facts, datetime.now(UTC)
    chosen = shown(facts["subscriptions"], asking.chosen_subscription(request))
    owed, late = notice(reader, chosen, view) if chosen else None, freshness(view, language, now)
    said = request.query_params.get("said")
    return {
        "account": account(view),
        "csrf": visit.session.csrf,
        "return_url": visit.session.return_url,
        "revision": view.revision,
        "mark": mark(view.pending, minutes_late(view.as_of, view.stale, now)),
        "session_seconds": max(0, int((visit.session.ends_at - now).total_seconds())),
        "message": language.say(SAID[said]) if said in SAID else None,
        "freshness": late,
        "news": owed.lead if owed else language.say(STALE) if late else "",
        "choices": choices(reader, facts["subscriptions"], chosen),
        "chosen_id": chosen["id"] if chosen else None,
        "summary": summary(reader, chosen, facts["invoices"]) if chosen else None,
        "notice": owed,
        "details": details(reader, chosen, view) if chosen else None,
        "method": method(reader, view),
        "history": _history(reader, view, chosen, query, page, asking.chosen_subscription(request) is not None),
        "other_languages": _other_languages(language, chosen),
    }


def _other_languages(language: Language, chosen: Subscription | None) -> list[OtherLanguage]:
    others = [code for code in catalogues().codes if code != language.code]
    return [OtherLanguage(code, own_name(code), _link(chosen, False, lang=code)) for code in others]


def _history(
    reader: Reader, view: View, chosen: Subscription | None, query: InvoiceQuery, page: InvoicePage, keeps_choice: bool
) -> History:
    facts, filters = view.facts, {"year": query.year, "status": query.status}
    return History(
        rows=rows(reader, page.items, view.pending),
        any=facts["invoice_count"] > 0,
        has_filter=facts["invoice_count"] > len(facts["invoices"]) or len(facts["invoice_years"]) > 1,
        filtered=bool(query.year or query.status),
        years=facts["invoice_years"],
        year=query.year,
        statuses={code: reader.say(words) for code, words in STATUSES.items()},
        status=query.status,
        older=_link(chosen, keeps_choice, **filters, cursor=page.next_cursor) if page.next_cursor else None,
        newest=_link(chosen, keeps_choice, **filters) if query.cursor else None,
        all=_link(chosen, keeps_choice),
    )


def _link(chosen: Subscription | None, keeps_choice: bool, **parameters: object) -> str:
    given = {"subscription": chosen["id"] if chosen and keeps_choice else None, **parameters}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"/?{query}" if query else "/"
