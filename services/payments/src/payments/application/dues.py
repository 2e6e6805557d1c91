"""Lists what a confirmation would charge: open invoices, and the periods that are entered once they are paid."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from payments.application.ports import Clock, OpenInvoices, Outlooks
from payments.domain.confirmation import Confirmation, ConfirmedCharge
from payments.domain.dues import Due, DueList

BEGUN_PERIODS_MAX = 500
"""Begun periods that one confirmation covers, over all of a customer's subscriptions."""


@dataclass(frozen=True, slots=True)
class Dues:
    invoices: OpenInvoices
    outlooks: Outlooks
    clock: Clock

    async def of(self, merchant_id: UUID, customer_id: UUID) -> DueList:
        """While subscriptions does not answer, only open invoices are listed, and only they are charged."""
        owed = await self.invoices.due(merchant_id, customer_id)
        outlook = await self.outlooks.of(merchant_id, customer_id) if owed else None
        if outlook is None:
            return DueList(await self.clock.now(merchant_id), owed)
        prospects = {each.invoice_id: each for each in outlook.prospects}
        due, begun, more = list[Due](), 0, False
        for each in owed:
            prospect = prospects.get(each.invoice_id)
            due.append(replace(each, effect=prospect.effect if prospect else "settles"))
            if prospect:
                follows = prospect.begun[: BEGUN_PERIODS_MAX - begun]
                due += follows
                begun += len(follows)
                more = more or prospect.more or len(follows) < len(prospect.begun)
        return DueList(outlook.at, tuple(due), more)


def confirmation(at: datetime, due: Sequence[Due], method_id: UUID | None = None) -> Confirmation | None:
    """The confirmation that is stored with the command; None if nothing is charged."""
    lines = tuple(
        ConfirmedCharge(each.invoice_id, each.subscription_id, each.amount, each.period) for each in due if each.subscription_id
    )
    return Confirmation(uuid4(), at, lines, method_id) if lines else None
