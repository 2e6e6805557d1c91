"""What a customer changes: the subscription's end, and the card."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from billing_contracts.subscriptions import Feedback
from chassis.http.bodies import StrictBody
from chassis.http.description import answers
from chassis.http.free_text import Remark
from portal_gateway.adapters.api import documents
from portal_gateway.adapters.api.asking import Door, IdempotencyKey, Spoken, language_of, with_texts
from portal_gateway.application.answers import CancelMode
from portal_gateway.application.portal import Portal
from portal_gateway.application.wording import Reader
from portal_gateway.application.wording_price import of_subscription
from portal_gateway.application.wording_subscription import renewals
from portal_gateway.domain.access import Session

DECLINED: Final = ("card_declined", "insufficient_funds", "expired_card", "incorrect_cvc")
NOT_TAKEN: Final = (
    (404, "not_found"),
    (409, "due_changed"),
    (422, "invalid_token"),
    (429, "too_many_declines"),
    (429, "too_many_requests"),
)


class Cancelling(StrictBody):
    mode: CancelMode | None = None
    feedback: Feedback | None = None
    comment: Remark | None = None


class NewCard(StrictBody):
    setup_id: Annotated[str, Field(min_length=1, max_length=100)]
    token: Annotated[str, Field(min_length=1, max_length=200)]
    charge_invoices: Annotated[list[UUID], Field(max_length=100)]


def command_routes(portal: Portal, door: Door) -> APIRouter:
    api = APIRouter(prefix="/api", route_class=Spoken, tags=["commands"])
    reading, acting = Depends(door.reading), Depends(door.acting)

    @api.get("/subscriptions/{subscription_id}/cancellation/preview")
    @answers(documents.CancellationPreview, (409, "already_cancelled"))
    async def preview(
        request: Request, subscription_id: UUID, session: Annotated[Session, reading], mode: CancelMode | None = None
    ) -> dict[str, Any]:
        found, view = await portal.cancellation_preview(session, subscription_id, mode), await portal.view(session)
        language = language_of(request, session, view)
        it = next((it for it in view.facts["subscriptions"] if it["id"] == str(subscription_id)), None)
        price = of_subscription(Reader.of(view, language), it).text if it else None
        shown: dict[str, Any] = with_texts(language, {**found, "frequency_text": price})
        return shown

    @api.post("/subscriptions/{subscription_id}/cancellation", status_code=202)
    @answers(documents.CancellationAccepted, (409, "already_cancelled"), (429, "too_many_requests"))
    async def cancel(
        subscription_id: UUID,
        session: Annotated[Session, acting],
        body: Cancelling | None = None,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """`card_number_removed`: true when the comment held a card number, which is not kept; absent otherwise."""
        given = body or Cancelling()
        accepted = await portal.cancel(
            session,
            subscription_id,
            mode=given.mode,
            feedback=given.feedback,
            comment=given.comment,
            idempotency_key=idempotency_key,
        )
        return {**accepted}

    @api.delete("/subscriptions/{subscription_id}/cancellation", status_code=202)
    @answers(documents.Accepted, (409, "no_cancellation"), (409, "cancellation_took_effect"), (429, "too_many_requests"))
    async def keep(
        subscription_id: UUID, session: Annotated[Session, acting], idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        return {**await portal.keep(session, subscription_id, idempotency_key=idempotency_key)}

    @api.post("/payment-method/setup", status_code=201)
    @answers(documents.CardSetup, (404, "not_found"), (429, "too_many_requests"), (429, "too_many_openings"))
    async def open_card_setup(request: Request, session: Annotated[Session, acting]) -> dict[str, Any]:
        view = await portal.view(session)
        language = language_of(request, session, view)
        colour = (view.merchant.get("branding") or {}).get("colour")
        setup = await portal.open_card_setup(session, locale=language.tag, colour=colour)
        listed = [
            {"subscription_id": it.id, "plan_name": it.plan, "frequency_text": it.price}
            for it in renewals(Reader.of(view, language), view)
        ]
        shown: dict[str, Any] = with_texts(language, {**setup, "renewals": listed})
        return shown

    @api.put("/payment-method")
    @answers(documents.CardUpdated, *((402, code) for code in DECLINED), *NOT_TAKEN)
    async def update_card(
        body: NewCard, session: Annotated[Session, acting], idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        updated = await portal.update_card(
            session, body.setup_id, body.token, body.charge_invoices, idempotency_key=idempotency_key
        )
        return {**updated}

    return api
