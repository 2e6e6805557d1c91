"""What a request for a page says: who asks, in which language, for what, and whereto they go back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request

from chassis.http.addresses import counted_as
from portal_gateway.adapters.page.forms import Form
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation.common import account, company
from portal_gateway.application.presentation.invoices import STATUSES
from portal_gateway.application.presentation.language import catalogues, choose
from portal_gateway.application.requests import InvoiceQuery, Visitor
from portal_gateway.application.session_cookie import presented
from portal_gateway.application.view import Position, Visit
from portal_gateway.domain.tokens import page_tag
from presentation.languages import Language, own_name, primary

LANGUAGE_COOKIE: Final = "lang"
TOKEN_HEADER: Final = "x-csrf-token"
LAST_WARNING: Final = timedelta(minutes=5)
REDACTED: Final = "redacted"
FORMS_ONLY: Final = ("/keep", "/session/extend", "/logout")
"""How addresses end where nothing is to be seen: what they answer is read in another language on the portal itself."""


@dataclass(frozen=True, slots=True)
class OtherLanguage:
    code: str
    name: str
    """Its own: `Español`."""
    url: str


def cookie(request: Request) -> str | None:
    """The session's secret."""
    return presented(request.headers.get("cookie"))


def visitor(request: Request) -> Visitor:
    return Visitor(counted_as(request.client.host if request.client else ""))


async def visit(portal: Portal, request: Request, after: Position | None = None, *, keep_alive: bool = True) -> Visit:
    """Who asks, and their view. Whatever is answered then, a refusal too, is in their language and names their account.

    Raises Problem 401 `session_required`, 409 `session_changed` when a page of another session asks for a part of itself.
    """
    found = await portal.visit(cookie(request), after, keep_alive=keep_alive)
    request.state.visit = found
    if shown := request.headers.get(TOKEN_HEADER):
        portal.must_be_of(found.session, shown)
    return found


def language(request: Request) -> Language:
    """In the order of `choose`; before it is known who asks only the request itself counts. Chosen once for each of the two."""
    known: Visit | None = getattr(request.state, "visit", None)
    chosen: tuple[Visit | None, Language] | None = getattr(request.state, "language", None)
    if chosen is None or chosen[0] is not known:
        request.state.language = chosen = known, _language(request, known)
    return chosen[1]


def _language(request: Request, known: Visit | None) -> Language:
    return choose(
        asked=request.query_params.get("lang"),
        kept=request.cookies.get(LANGUAGE_COOKIE),
        link=known.session.locale if known else None,
        customer=known.view.facts["customer"]["locale"] if known else None,
        accept=", ".join(request.headers.getlist("accept-language")),
        merchant=str(known.view.merchant.get("locale") or "") if known else None,
    )


def language_cookie(request: Request) -> str | None:
    """Remembers a language that was asked for."""
    asked = primary(request.query_params.get("lang"))
    if asked not in catalogues().codes:
        return None
    return f"{LANGUAGE_COOKIE}={asked}; Path=/; Secure; SameSite=Lax; Max-Age=31536000"


def frame(request: Request) -> dict[str, Any]:
    """What is around every page: the other languages, the way back and, when it is known who asks, whose account it is and
    when the session ends."""
    known: Visit | None = getattr(request.state, "visit", None)
    here, shown = navigation_state(request), language(request).code
    others = [code for code in catalogues().codes if code != shown]
    again, told = ("/" if request.scope["path"].endswith(FORMS_ONLY) else ""), outcome(request)
    around = {
        "home": address("/", here),
        "place": here,
        "where": address("", here),
        "other_languages": [OtherLanguage(code, own_name(code), address(again, here | told | {"lang": code})) for code in others],
    }
    if known is None:
        return around
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
    """What of the portal somebody looks at: dialogs and other pages carry it along, so that the way back leads there."""
    if not request.query_params:
        return {}
    query, chosen = history_query(request), str(chosen_subscription(request))
    known: Visit | None = getattr(request.state, "visit", None)
    own = known and any(subscription["id"] == chosen for subscription in known.view.facts["subscriptions"])
    found = {"subscription": chosen if own else None, "year": query.year, "status": query.status}
    return {name: str(value) for name, value in found.items() if value}


def outcome(request: Request) -> dict[str, str]:
    """What the address says of something that was done, as far as it makes sense: the page says it in each language."""
    position, revoked = after(request), request.query_params.get("link") == "revoked"
    return {
        **({"after": str(position)} if position else {}),
        **({"link": "revoked"} if revoked else {}),
        **({"comment": REDACTED} if comment_redacted(request) else {}),
    }


def address(path: str, parameters: Mapping[str, object]) -> str:
    return f"{path}?{urlencode(parameters, safe=':')}" if parameters else path


def after(request: Request) -> Position | None:
    """The version that the page is to show: `?after=subscription-<uuid>:7`."""
    return Position.read(request.query_params.get("after"))


def comment_redacted(request: Request) -> bool:
    """Whether a card number was taken out of the comment that came with a cancellation."""
    return request.query_params.get("comment") == REDACTED


def by_customer(request: Request) -> bool:
    """False when the page fetches itself again because something changed elsewhere: that prolongs no session."""
    return "x-live" not in request.headers


def chosen_subscription(request: Request) -> UUID | None:
    if (chosen := request.query_params.get("subscription")) is None:
        return None
    try:
        return UUID(chosen)
    except ValueError:
        return None


def history_query(request: Request) -> InvoiceQuery:
    """The filter of the history; what makes no sense is left out, and told by `invalid_filters`."""
    year, status = request.query_params.get("year", ""), request.query_params.get("status", "")
    return InvoiceQuery(
        year=int(year) if re.fullmatch("[12][0-9]{3}", year) else None,
        status=status if status in STATUSES else None,  # type: ignore[arg-type]
        cursor=request.query_params.get("cursor") or None,
    )


def invalid_filters(request: Request, query: InvoiceQuery) -> frozenset[str]:
    """The fields of the filter, `year` and `status`, that say something which nobody can choose."""
    asked = {"year": query.year, "status": query.status}
    return frozenset(name for name, found in asked.items() if request.query_params.get(name) and found is None)


def token(request: Request, form: Form) -> str | None:
    """Of the session whose page asks: a field of the form, or a header."""
    return form.text("csrf") or request.headers.get(TOKEN_HEADER)
