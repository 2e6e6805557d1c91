"""Why a wallet or a payment can say no. Named after the fact that forbids."""


class Refusal(Exception):
    """A rule forbids the command; nothing has changed."""


class NoSuchPaymentMethod(Refusal): ...


class LastMethodInUse(Refusal):
    """The customer's only card pays for a subscription."""


class NoSuchPayment(Refusal): ...


class ChargeAlreadyEnded(Refusal):
    """The charge's outcome is known, and it is another one."""


class NotPaidByThisCharge(Refusal):
    """What was never taken cannot be given back."""


class ChargeRunning(Refusal):
    """A charge for the invoice is under way, or its outcome is not known yet."""


class NothingOwed(Refusal):
    """The invoice is paid."""
