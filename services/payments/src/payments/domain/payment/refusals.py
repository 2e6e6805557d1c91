"""The reasons for which a payment refuses a command. Each is named after the fact that forbids it."""


class Refusal(Exception):
    """A rule forbids the command; nothing has changed."""


class NoSuchPayment(Refusal): ...


class ChargeAlreadyEnded(Refusal):
    """The charge has another outcome already."""


class NothingTaken(Refusal):
    """The charge has taken no money, so none can be refunded or disputed."""


class RefundExceedsPayment(Refusal):
    """The amount is more than what was taken, less the refunds that were made or requested."""


class NoSuchRefund(Refusal):
    """The refund was not requested, or has another outcome already."""


class ChargeRunning(Refusal):
    """A charge for the invoice is under way, or its outcome is unknown."""


class NothingOwed(Refusal):
    """The invoice is paid."""
