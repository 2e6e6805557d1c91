"""The reasons for which an invoice refuses a command. Each is named after the fact that forbids it."""


class Refusal(Exception):
    """A rule forbids the command; nothing has changed."""


class NoSuchInvoice(Refusal): ...


class AlreadyIssued(Refusal):
    """The subscription's period has an invoice already."""


class NothingToInvoice(Refusal):
    """The quantity is below one, or the price below zero."""


class AlreadyPaid(Refusal): ...


class AlreadyVoid(Refusal):
    """The invoice is no longer owed. A payment for it is refunded."""


class AmountDiffers(Refusal):
    """The collected amount is not the owed amount."""


class NotPaid(Refusal):
    """Only a paid invoice is credited. An unpaid one is voided."""


class CreditExceedsInvoice(Refusal):
    """The amount is more than what is left of the invoice, or in another currency."""


class NothingToCredit(Refusal):
    """Nothing is left of the invoice."""


class DoesNotAddUp(Refusal):
    """The amounts to invoice do not match the advertised price."""
