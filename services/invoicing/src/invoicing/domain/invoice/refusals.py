"""Why an invoice can say no. Named after the fact that forbids."""


class Refusal(Exception):
    """A rule forbids the command; nothing has changed."""


class NoSuchInvoice(Refusal): ...


class AlreadyIssued(Refusal):
    """The period of the subscription has its invoice."""


class NothingToInvoice(Refusal):
    """A quantity below one, or a price below zero."""


class AlreadyPaid(Refusal): ...


class AlreadyVoid(Refusal):
    """Nothing is owed on it any more: whoever collected for it gives the money back."""


class AmountDiffers(Refusal):
    """What was collected is not what is owed."""


class DoesNotAddUp(Refusal):
    """The amounts to be invoiced are not of the price that was advertised."""
