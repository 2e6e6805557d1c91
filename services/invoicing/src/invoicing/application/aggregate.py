"""The invoice as the chassis knows it."""

from chassis.aggregate import Aggregate
from chassis.codec import Codec
from chassis.decider import Decider
from invoicing.application.publication import announce
from invoicing.domain.commands import Command
from invoicing.domain.events import Event, Issued, Paid, PaymentFailed, Voided
from invoicing.domain.invoice import Invoice, decide, evolve
from invoicing.domain.refusals import Refusal

CODEC = Codec({"issued": Issued, "paid": Paid, "payment_failed": PaymentFailed, "voided": Voided})
_RULES: Decider[Command, Event, Invoice] = Decider(decide, evolve)

INVOICE: Aggregate[Command, Event, Invoice] = Aggregate("invoice", _RULES, Refusal, CODEC, announce)
