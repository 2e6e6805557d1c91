"""The cancellation dialog: the effects, the form, the confirmation, the result, and withdrawing the cancellation."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from billing_contracts.subscriptions import Feedback
from chassis.card_numbers.detection import redact_cards
from chassis.http.free_text import CARD_MARK
from chassis.http.problems import Problem, not_found
from chassis.text import isolated
from portal_gateway.adapters.page import forms, request_context
from portal_gateway.adapters.page.error_pages import page_route, reference
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation.cancellation import COMMENT_LIMIT, facts, promise, reasons, result, warning
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.problems import CARD_REMOVED, CARD_TAKEN_OUT, explain
from portal_gateway.application.requests import CancelMode, CancelRequest
from portal_gateway.application.results import CancellationPreview
from portal_gateway.application.subscription_status import can_be_withdrawn
from portal_gateway.application.view import Position, Visit, subscription_stream
from portal_gateway.domain.view import Subscription
from presentation.languages import Language


@dataclass(frozen=True, slots=True)
class CancellationForm:
    """The submitted fields, shown again beside their errors."""

    feedback: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class FormErrors:
    feedback: str | None = None
    comment: str | None = None


def routes(portal: Portal, pages: Pages) -> APIRouter:
    router = APIRouter(route_class=page_route(pages), include_in_schema=False)

    @router.get("/subscriptions/{subscription_id:uuid}/cancel")
    async def ask(subscription_id: UUID, request: Request) -> Response:
        position = request_context.after(request)
        dialog = CancellationDialog.of(request, await request_context.visit(portal, request, position), subscription_id)
        version = position.version if position and position.aggregate == subscription_stream(subscription_id) else None
        mode = mode_of(request.query_params.get("mode"))
        if mode and can_be_withdrawn(dialog.subscription, dialog.reader.now):
            return await dialog.form(portal, pages, mode=mode)
        outcome = result(dialog.reader, dialog.subscription, dialog.visit.view, version)
        if outcome is None:
            return await dialog.form(portal, pages, mode=mode)
        redacted = dialog.language.say(CARD_REMOVED) if request_context.comment_redacted(request) else None
        return dialog.page(
            pages, "cancelled.html", heading=outcome.title, result=outcome, redacted=redacted, idempotency_key=uuid4()
        )

    @router.post("/subscriptions/{subscription_id:uuid}/cancel")
    async def confirm(subscription_id: UUID, request: Request) -> Response:
        visit, form = await request_context.visit(portal, request), await forms.form(request)
        portal.must_be_of(visit.session, request_context.token(request, form))
        dialog = CancellationDialog.of(request, visit, subscription_id)
        fields, mode = CancellationForm(form.text("feedback"), form.text("comment")), mode_of(form.text("mode"))
        errors = validate(dialog.language, fields)
        if errors != FormErrors():
            return await dialog.form(portal, pages, mode=mode, fields=fields, errors=errors, status=422, key=form.key())
        try:
            cancellation = CancelRequest(mode, fields.feedback or None, fields.comment)
            accepted = await portal.cancel(visit.session, subscription_id, cancellation, idempotency_key=form.key())
        except Problem as problem:
            return await dialog.refused(portal, pages, problem, mode, fields, form.key())
        position = Position(accepted["aggregate"], accepted["version"])
        parameters = {**request_context.navigation_state(request), "after": position}
        if accepted.get("card_number_removed"):
            parameters["comment"] = request_context.REDACTED
        return RedirectResponse(request_context.address(f"/subscriptions/{subscription_id}/cancel", parameters), 303)

    @router.post("/subscriptions/{subscription_id:uuid}/keep")
    async def withdraw(subscription_id: UUID, request: Request) -> Response:
        visit, form = await request_context.visit(portal, request), await forms.form(request)
        portal.must_be_of(visit.session, request_context.token(request, form))
        accepted = await portal.withdraw_cancellation(visit.session, subscription_id, idempotency_key=form.key())
        position = Position(accepted["aggregate"], accepted["version"])
        parameters = {
            **request_context.navigation_state(request),
            "subscription": subscription_id,
            "after": position,
            "said": "kept",
        }
        return RedirectResponse(request_context.address("/", parameters), 303)

    return router


def mode_of(text: str | None) -> CancelMode | None:
    """None: the merchant's policy decides."""
    return "immediately" if text == "immediately" else None


def validate(language: Language, fields: CancellationForm) -> FormErrors:
    feedback = fields.feedback and fields.feedback not in set(Feedback)
    comment, length = None, len(fields.comment.strip())
    if length > COMMENT_LIMIT:
        comment = language.say_count(
            "Use at most %(count)d character; your text has %(length)d.",
            "Use at most %(count)d characters; your text has %(length)d.",
            COMMENT_LIMIT,
            length=length,
        )
    return FormErrors(language.say("Choose a reason from the list.") if feedback else None, comment)


@dataclass(frozen=True, slots=True)
class CancellationDialog:
    """One subscription of the request's customer, with the language of the response."""

    request: Request
    visit: Visit
    language: Language
    reader: Reader
    subscription: Subscription

    @classmethod
    def of(cls, request: Request, visit: Visit, subscription_id: UUID) -> "CancellationDialog":
        """Raises Problem 404 if the subscription does not belong to the customer."""
        for subscription in visit.view.facts["subscriptions"]:
            if subscription["id"] == str(subscription_id):
                language = request_context.language(request)
                return cls(request, visit, language, Reader.of(visit.view, language), subscription)
        raise not_found()

    def page(self, pages: Pages, template: str, status: int = 200, **words: Any) -> Response:
        return pages.page(
            template,
            self.request,
            status=status,
            home=request_context.address(
                "/", request_context.navigation_state(self.request) | {"subscription": self.subscription["id"]}
            ),
            subscription_id=self.subscription["id"],
            **words,
        )

    async def form(
        self,
        portal: Portal,
        pages: Pages,
        *,
        mode: CancelMode | None = None,
        fields: CancellationForm | None = None,
        errors: FormErrors | None = None,
        problem: Problem | None = None,
        status: int = 200,
        key: str | None = None,
    ) -> Response:
        shown, preview = fields or CancellationForm(), await self._preview(portal, mode, required=problem is None)
        return self.page(
            pages,
            "cancel.html",
            status,
            heading=self.language.say("Cancel your subscription to %(plan)s", plan=isolated(self.subscription["plan"]["name"])),
            facts=facts(self.reader, preview, self.subscription) if preview else [],
            promise=promise(self.reader, preview, self.subscription) if preview else None,
            warning=warning(self.reader, preview, self.subscription) if preview else None,
            mode=mode,
            stay=self.language.say("Go back") if self.subscription["cancellation"] else self.language.say("Keep my subscription"),
            reasons=reasons(self.reader),
            typed=replace(shown, comment=redact_cards(shown.comment, CARD_MARK)),
            errors=errors or FormErrors(),
            problem=explain(self.language, problem.status, problem.code, problem.headers) if problem else None,
            problem_code=problem.code if problem else None,
            reference=reference(problem) if problem else None,
            limit=COMMENT_LIMIT,
            idempotency_key=key or uuid4(),
        )

    async def refused(
        self,
        portal: Portal,
        pages: Pages,
        problem: Problem,
        mode: CancelMode | None,
        fields: CancellationForm,
        key: str | None,
    ) -> Response:
        """The form again, with the submitted fields and the problem. It has the same key: repeating it cannot cancel twice."""
        if problem.status in (401, 404, 409) and problem.code != "idempotency_key_reused":
            raise problem
        errors = FormErrors()
        if problem.code == "card_number_refused":
            errors = FormErrors(comment=self.language.say(CARD_TAKEN_OUT))
        elif any(str(error.get("pointer")) == "/comment" for error in problem.errors):
            errors = FormErrors(comment=self.language.say("We couldn't save this text. Change it and try again."))
        if errors != FormErrors():
            return await self.form(portal, pages, mode=mode, fields=fields, errors=errors, status=422, key=key)
        next_key = None if problem.code == "idempotency_key_reused" else key
        return await self.form(portal, pages, mode=mode, fields=fields, problem=problem, status=problem.status, key=next_key)

    async def _preview(self, portal: Portal, mode: CancelMode | None, *, required: bool) -> CancellationPreview | None:
        """The effects of cancelling; None if they cannot be read and are not `required`, as beside a problem."""
        try:
            return await portal.cancellation_preview(self.visit.session, UUID(self.subscription["id"]), mode)
        except Problem:
            if required:
                raise
            return None
