"""The cards on file: the list, adding one, the default, the backup, and removing one."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from chassis.http.description import answers
from chassis.http.problems import Problem, not_found
from portal_gateway.adapters.api import documents, payment_documents
from portal_gateway.adapters.api.bodies import AnotherCard, BackupChoice
from portal_gateway.adapters.api.commands import DECLINED
from portal_gateway.adapters.api.common_documents import Accepted
from portal_gateway.adapters.api.dependencies import IdempotencyKey, LocalizedRoute, SessionDependencies, language_of
from portal_gateway.adapters.api.parameters import MethodId, NextDefault
from portal_gateway.adapters.api.representations import cards
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation import card_changes, saved_cards
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.requests import BackupConsent
from portal_gateway.domain.access import Session

UNKNOWN = (404, "not_found")
TOO_MANY = (429, "too_many_requests")


def consent_changed() -> Problem:
    """The customer has agreed to another text than the current one."""
    return Problem(409, "consent_changed", "The text has changed since it was shown; nothing was changed")


def card_routes(portal: Portal, dependencies: SessionDependencies) -> APIRouter:
    api = APIRouter(prefix="/api", route_class=LocalizedRoute, tags=["commands"])
    reading, acting = Depends(dependencies.reading), Depends(dependencies.acting)

    @api.get("/payment-methods")
    @answers(documents.CardsOnFile)
    async def on_file(request: Request, session: Annotated[Session, reading]) -> dict[str, Any]:
        """List the cards on file."""
        view = await portal.view(session)
        return {"items": cards(Reader.of(view, language_of(request, session, view)), view)}

    @api.get("/payment-method-changes")
    @answers(payment_documents.CardChanges)
    async def changes(request: Request, session: Annotated[Session, reading]) -> dict[str, Any]:
        """List the last changes of the cards on file, newest first."""
        view = await portal.view(session)
        reader = Reader.of(view, language_of(request, session, view))
        newest = await portal.card_changes(session)
        return {"items": [{**change, "text": card_changes.sentence_about(reader, change)} for change in newest]}

    @api.post("/payment-methods", status_code=201)
    @answers(
        payment_documents.CardAdded,
        *((402, code) for code in DECLINED),
        UNKNOWN,
        (409, "too_many_payment_methods"),
        (422, "invalid_token"),
        (429, "too_many_declines"),
        TOO_MANY,
    )
    async def add(
        body: AnotherCard, session: Annotated[Session, acting], idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        """Store a card that was typed beside the others. Only a first card becomes the default.

        Nothing is charged. The set-up has the purpose `add`.
        """
        return {**await portal.cards.add(session, body.setup_id, body.token, idempotency_key=idempotency_key)}

    @api.put("/payment-methods/{method_id}/default", status_code=202)
    @answers(Accepted, UNKNOWN, TOO_MANY)
    async def make_default(
        method_id: MethodId, session: Annotated[Session, acting], idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        """Make a card the default for all subscriptions. Nothing is charged."""
        return {**await portal.cards.make_default(session, method_id, idempotency_key=idempotency_key)}

    @api.get("/payment-methods/{method_id}/backup")
    @answers(payment_documents.BackupText, UNKNOWN)
    async def backup_text(request: Request, method_id: MethodId, session: Annotated[Session, reading]) -> dict[str, Any]:
        """Read the text that the customer agrees to before the card becomes the backup."""
        view = await portal.view(session)
        method = saved_cards.method_of(view, str(method_id))
        if method is None:
            raise not_found()
        dialog = saved_cards.use_as_backup(Reader.of(view, language_of(request, session, view)), method, view)
        return {"text_version": saved_cards.BACKUP_TEXT, "text": dialog.consent}

    @api.put("/payment-methods/{method_id}/backup", status_code=202)
    @answers(Accepted, UNKNOWN, (409, "consent_changed"), (409, "default_as_backup"), TOO_MANY)
    async def choose_backup(
        request: Request,
        method_id: MethodId,
        body: BackupChoice,
        session: Annotated[Session, acting],
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Charge this card once if the default fails. The body names the text that the customer agreed to."""
        if body.text_version != saved_cards.BACKUP_TEXT:
            raise consent_changed()
        language = language_of(request, session, await portal.view(session))
        consent = BackupConsent(body.text_version, language.tag)
        return {**await portal.cards.choose_backup(session, method_id, consent, idempotency_key=idempotency_key)}

    @api.delete("/payment-methods/{method_id}/backup", status_code=202)
    @answers(Accepted, UNKNOWN, TOO_MANY)
    async def withdraw_backup(
        method_id: MethodId, session: Annotated[Session, acting], idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        """Stop using a card as the backup."""
        return {**await portal.cards.withdraw_backup(session, method_id, idempotency_key=idempotency_key)}

    @api.get("/payment-methods/{method_id}/removal")
    @answers(payment_documents.RemovalPreview, UNKNOWN)
    async def preview_removal(request: Request, method_id: MethodId, session: Annotated[Session, reading]) -> dict[str, Any]:
        """Preview what removing a card does: which card is the default afterwards."""
        preview, view = await portal.cards.removal_preview(session, method_id), await portal.view(session)
        dialog = saved_cards.remove(Reader.of(view, language_of(request, session, view)), preview)
        facts = {name: preview[name] for name in ("allowed", "next_default")}
        return {**facts, "statements": list(dialog.sentences)}

    @api.delete("/payment-methods/{method_id}", status_code=202)
    @answers(Accepted, UNKNOWN, (409, "last_payment_method"), (409, "next_default_changed"), TOO_MANY)
    async def remove(
        method_id: MethodId,
        session: Annotated[Session, acting],
        next_default: NextDefault = None,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Remove a card.

        The only card is refused with `last_payment_method` while a subscription needs it or something is owed: add another card
        first, or cancel the subscription.
        """
        return {**await portal.cards.remove(session, method_id, next_default, idempotency_key=idempotency_key)}

    return api
