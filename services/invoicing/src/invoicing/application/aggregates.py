"""The aggregate of this service: rules, stored event names and public events."""

from chassis.eventsourcing.aggregate import Aggregate
from chassis.eventsourcing.codec import Codec
from chassis.eventsourcing.decider import Decider
from invoicing.application.publication import announce
from invoicing.domain.invoice.commands import Command
from invoicing.domain.invoice.events import Credited, Event, Issued, Paid, PaymentFailed, Voided
from invoicing.domain.invoice.invoice import Invoice, decide, evolve
from invoicing.domain.invoice.refusals import Refusal

CODEC = Codec({"issued": Issued, "paid": Paid, "payment_failed": PaymentFailed, "voided": Voided, "credited": Credited})
_RULES: Decider[Command, Event, Invoice] = Decider(decide, evolve)

INVOICE: Aggregate[Command, Event, Invoice] = Aggregate("invoice", _RULES, Refusal, CODEC, announce)
