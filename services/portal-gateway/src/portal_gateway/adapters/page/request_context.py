"""What a page request contains: session, language, filters, and the part of the portal to return to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request

from chassis.http.addresses import rate_limit_key
from portal_gateway.adapters.page.forms import Form
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation.common import account, company
from portal_gateway.application.presentation.invoices import STATUSES
from portal_gateway.application.presentation.language import catalogues, choose
from portal_gateway.application.requests import InvoiceQuery, Visitor
from portal_gateway.application.session_cookie import NAME, presented
from portal_gateway.application.shared_invoices import SharedVisit
from portal_gateway.application.view import Position, Visit
from portal_gateway.domain.tokens import page_tag
from presentation.languages import Language, own_name, primary

SHARED_INVOICE: Final = "/shared-invoice"
"""The page of an invoice link."""
LANGUAGE_COOKIE: Final = "lang"
TOKEN_HEADER: Final = "x-csrf-token"
LAST_WARNING: Final = timedelta(minutes=5)
REDACTED: Final = "redacted"
FORMS_ONLY: Final = ("/keep", "/session/extend", "/logout")
"""Endings of addresses without a page of their own: to switch the language there, go to the portal."""


@dataclass(frozen=True, slots=True)
class OtherLanguage:
    code: str
    name: str
    """The language's own name: `Español`."""
    url: str


def cookie(request: Request, name: str = NAME) -> str | None:
    """The session's secret. `name` is that of the cookie."""
    return presented(request.headers.get("cookie"), name)


def visitor(request: Request) -> Visitor:
    return Visitor(rate_limit_key(request.client.host if request.client else ""))


async def visit(portal: Portal, request: Request, after: Position | None = None, *, keep_alive: bool = True) -> Visit:
    """The session and its customer's view. From here on every response, also a refusal, is in the customer's language.

    Raises SessionRequired, and SessionChanged if a page of another session requests a part of itself.
    """
    visit = await portal.visit(cookie(request), after, keep_alive=keep_alive)
    request.state.visit = visit
    if token := request.headers.get(TOKEN_HEADER):
        portal.must_be_of(visit.session, token)
    return visit


def language(request: Request) -> Language:
    """The language by `choose`: before the visit is known from the request alone, then also from the visit. Each is cached."""
    known: Visit | SharedVisit | None = getattr(request.state, "visit", None)
    chosen: tuple[Visit | SharedVisit | None, Language] | None = getattr(request.state, "language", None)
    if chosen is None or chosen[0] is not known:
        request.state.language = chosen = known, _language(request, known)
    return chosen[1]


def _language(request: Request, known: Visit | SharedVisit | None) -> Language:
    return choose(
        query=request.query_params.get("lang"),
        cookie=request.cookies.get(LANGUAGE_COOKIE),
        link=known.session.locale if known else None,
        customer=known.view.facts["customer"]["locale"] if known else None,
        accept=", ".join(request.headers.getlist("accept-language")),
        merchant=str(known.view.merchant.get("locale") or "") if known else None,
    )


def language_cookie(request: Request) -> str | None:
    """The cookie that stores a requested language; None if the request names none."""
    requested = primary(request.query_params.get("lang"))
    if requested not in catalogues().codes:
        return None
    return f"{LANGUAGE_COOKIE}={requested}; Path=/; Secure; SameSite=Lax; Max-Age=31536000"


def frame(request: Request) -> dict[str, Any]:
    """The template variables of every page: other languages, navigation and, if the visit is known, the account and the
    session's end."""
    known: Visit | SharedVisit | None = getattr(request.state, "visit", None)
    here, shown = navigation_state(request), language(request).code
    path, parameters = ("/" if request.scope["path"].endswith(FORMS_ONLY) else ""), here | outcome(request)
    other_languages = [
        OtherLanguage(code, own_name(code), address(path, parameters | {"lang": code}))
        for code in catalogues().codes
        if code != shown
    ]
    around = {
        "home": address("/", here),
        "navigation": here,
        "navigation_query": address("", here),
        "own_language": own_name(shown),
        "other_languages": other_languages,
    }
    if known is None:
        return around
    if isinstance(known, SharedVisit):
        # No token: pages with one have the portal's navigation. The pages of the invoice add it.
        back = {"home": SHARED_INVOICE, "home_words": language(request).say("Go back")}
        return around | {"company": company(known.view.merchant)} | back
    session, now = known.session, datetime.now(UTC)
    return around | {
        "company": company(known.view.merchant),
        "account": account(known.view),
        "csrf": session.csrf,
        "page_tag": page_tag(session.csrf),
        "session_seconds": max(0, int((session.ends_at - now).total_seconds())),
        "ends_for_good": session.latest_end - now <= LAST_WARNING,
        "extend_url": address("/session/extend", here),
    }


def navigation_state(request: Request) -> dict[str, str]:
    """The shown subscription and history filter. Dialogs and other pages carry them along, so that links back lead there."""
    if not request.query_params:
        return {}
    query, chosen = history_query(request), str(chosen_subscription(request))
    known: Visit | SharedVisit | None = getattr(request.state, "visit", None)
    own = known and any(subscription["id"] == chosen for subscription in known.view.facts["subscriptions"])
    state = {"subscription": chosen if own else None, "year": query.year, "status": query.status}
    return {name: str(value) for name, value in state.items() if value}


def outcome(request: Request) -> dict[str, str]:
    """The valid parameters about a completed action. Language links keep them, so that the page repeats its message."""
    position, revoked = after(request), request.query_params.get("link") == "revoked"
    return {
        **({"after": str(position)} if position else {}),
        **({"link": "revoked"} if revoked else {}),
        **({"comment": REDACTED} if comment_redacted(request) else {}),
    }


def address(path: str, parameters: Mapping[str, object]) -> str:
    return f"{path}?{urlencode(parameters, safe=':')}" if parameters else path


def after(request: Request) -> Position | None:
    """The version that the page waits for: `?after=subscription-<uuid>:7`."""
    return Position.read(request.query_params.get("after"))


def comment_redacted(request: Request) -> bool:
    """Whether a card number was removed from the comment of a cancellation."""
    return request.query_params.get("comment") == REDACTED


def by_customer(request: Request) -> bool:
    """Whether the customer caused the request. Live updates of the page do not prolong the session."""
    return "x-live" not in request.headers


def chosen_subscription(request: Request) -> UUID | None:
    if (chosen := request.query_params.get("subscription")) is None:
        return None
    try:
        return UUID(chosen)
    except ValueError:
        return None


def history_query(request: Request) -> InvoiceQuery:
    """The filter of the payment history. Invalid fields are left out; `invalid_filters` names them."""
    year, status = request.query_params.get("year", ""), request.query_params.get("status", "")
    return InvoiceQuery(
        year=int(year) if re.fullmatch("[12][0-9]{3}", year) else None,
        status=status if status in STATUSES else None,  # type: ignore[arg-type]
        cursor=request.query_params.get("cursor") or None,
    )


def invalid_filters(request: Request, query: InvoiceQuery) -> frozenset[str]:
    """The fields of the filter, `year` and `status`, with invalid values."""
    parsed = {"year": query.year, "status": query.status}
    return frozenset(name for name, value in parsed.items() if request.query_params.get(name) and value is None)


def token(request: Request, form: Form) -> str | None:
    """The token of the page's session: a field of the form, or a header."""
    return form.text("csrf") or request.headers.get(TOKEN_HEADER)
