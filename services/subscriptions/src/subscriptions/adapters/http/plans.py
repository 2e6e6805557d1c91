"""Plans."""

from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Response

from billing_contracts import shapes
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.event_store import Answer
from chassis.http.authentication import OF_A_MERCHANT, Caller, Merchant, tenant_of
from chassis.http.bodies import StrictBody
from chassis.http.commands import CommandParam
from chassis.http.description import answers
from chassis.http.page_cursors import Cursor, Cursors, Limit
from chassis.http.problems import not_found
from chassis.tenants import Tenants
from subscriptions.adapters.http.bodies import IntervalBody, LongText, MediaId, MoneyBody, Name, TaxBody
from subscriptions.adapters.http.documents import PlanPage
from subscriptions.adapters.http.merchants import unknown_media
from subscriptions.adapters.http.parameters import PlanId
from subscriptions.application import publication
from subscriptions.application.ports import Media, Plans
from subscriptions.domain.period import Interval
from subscriptions.domain.plan.commands import Publish
from subscriptions.domain.plan.events import Published
from subscriptions.domain.plan.terms import Plan

Publishing = CommandHandler[Publish, Published, Plan]


class NewPlan(StrictBody):
    """A plan to create."""

    name: Name
    """Name as customers see it."""
    description: LongText
    """Text about the plan, as customers see it."""
    image_media_id: MediaId | None = None
    """Id of the plan's picture, from an upload."""
    price: MoneyBody
    """Price of one unit for one period."""
    interval: IntervalBody
    """Length of a period."""
    tax: TaxBody | None = None
    """The plan's own tax. The merchant's applies when absent."""

    def plan(self, id: UUID) -> Plan:
        interval = Interval(self.interval.unit, self.interval.count)
        tax = self.tax.shape() if self.tax else None
        return Plan(id, self.name, self.description, self.price.shape(), interval, self.image_media_id, tax)


def routes(publishing: Publishing, plans: Plans, media: Media, tenants: Tenants, cursors: Cursors) -> APIRouter:
    api = APIRouter(prefix="/v1/plans", tags=["plans"])

    @api.post("", status_code=201)
    @answers(shapes.Plan)
    async def publish(request: CommandParam, caller: Merchant, body: NewPlan) -> Response:
        """Create a plan.

        A plan never changes: another price is another plan.
        """
        if body.image_media_id and not await media.has(caller.merchant_id, body.image_media_id):
            raise unknown_media("/image_media_id")
        id = uuid4()
        command = Publish(body.plan(id), (await tenant_of(caller, tenants)).now())
        return await request.handle(publishing, id, command, answer=lambda outcome: Answer(201, document(outcome.state)))

    @api.get("")
    @answers(PlanPage)
    async def page(caller: Merchant, limit: Limit = 20, cursor: Cursor = None) -> dict[str, Any]:
        """List the merchant's plans, in the order in which they were created."""
        after = cursors.decode(cursor, "plan")["plan"] if cursor else 0
        items = await plans.page(caller.merchant_id, after, limit + 1)
        shown = items[:limit]
        more = cursors.encode({"plan": shown[-1][0]}) if len(items) > limit else None
        return {"items": [plan for _, plan in shown], "next_cursor": more}

    @api.get("/{id}")
    @answers(shapes.Plan, security=OF_A_MERCHANT)
    async def read(caller: Caller, id: PlanId) -> dict[str, Any]:
        """Read a plan."""
        _, plan = await publishing.state(caller.merchant_id, id)
        if plan is None:
            raise not_found()
        return document(plan)

    return api


def document(plan: Plan) -> dict[str, Any]:
    return publication.plan(plan).model_dump(mode="json")
