"""What a request for a page says: who asks, in which language, for what."""

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request

from chassis.languages import Language, primary
from portal_gateway.application.answers import InvoiceQuery, Position, View, Visitor
from portal_gateway.application.session_cookie import presented
from portal_gateway.application.wording_invoices import STATUSES
from portal_gateway.application.wording_language import catalogues, choose
from portal_gateway.domain.access import Session

LANGUAGE_COOKIE: Final = "lang"


def cookie(request: Request) -> str | None:
    """The session's secret."""
    return presented(request.headers.get("cookie"))


def visitor(request: Request) -> Visitor:
    return Visitor(request.client.host if request.client else "")


def language(request: Request, session: Session | None = None, view: View | None = None) -> Language:
    """In the order of `choose`; before a session is known only the request itself counts."""
    return choose(
        asked=request.query_params.get("lang"),
        kept=request.cookies.get(LANGUAGE_COOKIE),
        link=session.locale if session else None,
        customer=view.facts["customer"]["locale"] if view else None,
        accept=request.headers.get("accept-language"),
        merchant=str(view.merchant.get("locale") or "") if view else None,
    )


def language_cookie(request: Request) -> dict[str, str]:
    """Remembers a language that was asked for."""
    asked = primary(request.query_params.get("lang"))
    if asked not in catalogues().codes:
        return {}
    return {"set-cookie": f"{LANGUAGE_COOKIE}={asked}; Path=/; Secure; SameSite=Lax; Max-Age=31536000"}


def after(request: Request) -> Position | None:
    """The version that the page is to show: `?after=subscription-<uuid>:7`."""
    return Position.read(request.query_params.get("after"))


def by_customer(request: Request) -> bool:
    """False when the page fetches itself again because something changed elsewhere: that prolongs no session."""
    return "x-live" not in request.headers


def chosen_subscription(request: Request) -> UUID | None:
    try:
        return UUID(request.query_params.get("subscription", ""))
    except ValueError:
        return None


def history_query(request: Request) -> InvoiceQuery:
    """The filter of the history; what makes no sense is left out."""
    year, status = request.query_params.get("year", ""), request.query_params.get("status", "")
    return InvoiceQuery(
        year=int(year) if re.fullmatch("[12][0-9]{3}", year) else None,
        status=status if status in STATUSES else None,  # type: ignore[arg-type]
        cursor=request.query_params.get("cursor") or None,
    )


@dataclass(frozen=True, slots=True)
class Form:
    fields: FormData

    def text(self, name: str) -> str:
        """A field's text, with line ends as typed on any system; empty when absent or a file."""
        value = self.fields.get(name)
        return value.replace("\r\n", "\n") if isinstance(value, str) else ""

    def key(self) -> str | None:
        return self.text("idempotency_key")[:200] or None


async def form(request: Request) -> Form:
    return Form(await request.form(max_files=0, max_fields=20))
