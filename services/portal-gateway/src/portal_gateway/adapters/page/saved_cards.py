"""The dialogs about cards on file: the default, the backup, and removing a card. They work without scripts."""

from typing import Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from chassis.http.problems import Problem, not_found
from portal_gateway.adapters.page import forms, request_context
from portal_gateway.adapters.page.error_pages import page_route
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation import card_changes, saved_cards
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.problems import explain
from portal_gateway.application.presentation.saved_cards import ACTIONS, BACKUP_TEXT, Action, CardDialog
from portal_gateway.application.requests import BackupConsent
from portal_gateway.application.results import Accepted
from portal_gateway.application.view import Position, Visit

SHOWN_AGAIN: Final = frozenset({"next_default_changed", "consent_changed"})
"""Problems after which the dialog is shown again with what holds now."""


def routes(portal: Portal, pages: Pages) -> APIRouter:
    router = APIRouter(route_class=page_route(pages), include_in_schema=False)

    @router.get("/payment-methods/changes")
    async def changes(request: Request) -> Response:
        visit = await request_context.visit(portal, request)
        reader = Reader.of(visit.view, request_context.language(request))
        return pages.page(
            "card_changes.html",
            request,
            heading=reader.say(card_changes.TITLE),
            changes=card_changes.card_changes(reader, await portal.card_changes(visit.session)),
            home=request_context.address("/", request_context.navigation_state(request)),
        )

    @router.get("/payment-methods/{method_id:uuid}/{action}")
    async def ask(method_id: UUID, action: str, request: Request) -> Response:
        """The dialog, or the result once the command was accepted."""
        act, position = _known(action), request_context.after(request)
        visit = await request_context.visit(portal, request, position)
        if position is not None and position.aggregate == f"wallet-{visit.session.customer_id}":
            return _result(pages, request, visit, method_id, act)
        return await _form(portal, pages, request, visit, method_id, act)

    @router.post("/payment-methods/{method_id:uuid}/{action}")
    async def confirm(method_id: UUID, action: str, request: Request) -> Response:
        act = _known(action)
        visit, form = await request_context.visit(portal, request), await forms.form(request)
        portal.must_be_of(visit.session, request_context.token(request, form))
        try:
            accepted = await _carry_out(portal, request, visit, method_id, act, form)
        except Problem as problem:
            if problem.code not in SHOWN_AGAIN:
                raise
            return await _form(portal, pages, request, visit, method_id, act, problem)
        position = Position(accepted["aggregate"], accepted["version"])
        parameters = {**request_context.navigation_state(request), "after": position}
        return RedirectResponse(request_context.address(_path(method_id, act), parameters), 303)

    return router


def _known(action: str) -> Action:
    """Raises Problem 404."""
    if action not in ACTIONS:
        raise not_found()
    return ACTIONS[action]


def _path(method_id: UUID, action: Action) -> str:
    return f"/payment-methods/{method_id}/{action}"


async def _carry_out(
    portal: Portal, request: Request, visit: Visit, method_id: UUID, action: Action, form: forms.Form
) -> Accepted:
    cards, session, key = portal.cards, visit.session, form.key()
    match action:
        case "default":
            return await cards.make_default(session, method_id, idempotency_key=key)
        case "no-backup":
            return await cards.withdraw_backup(session, method_id, idempotency_key=key)
        case "backup":
            if form.text("consent") != BACKUP_TEXT:
                raise Problem(409, "consent_changed", "The text has changed since it was shown; nothing was changed")
            consent = BackupConsent(BACKUP_TEXT, request_context.language(request).tag)
            return await cards.choose_backup(session, method_id, consent, idempotency_key=key)
        case "remove":
            return await cards.remove(session, method_id, _shown(form), idempotency_key=key)


def _shown(form: forms.Form) -> UUID | None:
    """The card that the form named as the next default. Raises Problem 422 for a malformed form."""
    try:
        return UUID(form.text("next_default")) if form.text("next_default") else None
    except ValueError:
        raise Problem(422, "invalid_request", "The form is not what it should be") from None


async def _form(
    portal: Portal,
    pages: Pages,
    request: Request,
    visit: Visit,
    method_id: UUID,
    action: Action,
    problem: Problem | None = None,
) -> Response:
    language = request_context.language(request)
    dialog = await _dialog(portal, Reader.of(visit.view, language), visit, method_id, action)
    here = request_context.navigation_state(request)
    return pages.page(
        "card_action.html",
        request,
        status=422 if problem else 200,
        heading=dialog.heading,
        dialog=dialog,
        path=_path(method_id, action),
        home=request_context.address("/", here),
        hidden={"consent": BACKUP_TEXT if dialog.consent else "", "next_default": dialog.next_default},
        problem=explain(language, problem.status, problem.code, problem.headers) if problem else None,
        problem_code=problem.code if problem else None,
        idempotency_key=uuid4(),
    )


async def _dialog(portal: Portal, reader: Reader, visit: Visit, method_id: UUID, action: Action) -> CardDialog:
    """Raises Problem 404 for a card that is not on file."""
    if action == "remove":
        return saved_cards.remove(reader, await portal.cards.removal_preview(visit.session, method_id))
    method = saved_cards.method_of(visit.view, str(method_id))
    if method is None:
        raise not_found()
    match action:
        case "default":
            return saved_cards.make_default(reader, method)
        case "backup":
            return saved_cards.use_as_backup(reader, method, visit.view)
        case "no-backup":
            return saved_cards.stop_using_as_backup(reader, method)


def _result(pages: Pages, request: Request, visit: Visit, method_id: UUID, action: Action) -> Response:
    reader = Reader.of(visit.view, request_context.language(request))
    title = saved_cards.done(reader, action, saved_cards.method_of(visit.view, str(method_id)))
    return pages.page(
        "card_changed.html",
        request,
        heading=title or reader.say("We're saving your change"),
        action=action,
        done=title is not None,
        home=request_context.address("/", request_context.navigation_state(request)),
    )
