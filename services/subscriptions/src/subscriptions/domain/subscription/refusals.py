"""Why a subscription can say no. Named after the fact that forbids."""


class Refusal(Exception):
    """A rule forbids the command; nothing has changed."""


class NoSuchSubscription(Refusal): ...


class AlreadyStarted(Refusal): ...


class StartInTheFuture(Refusal): ...


class CurrencyNotSold(Refusal):
    """The plan's price is in no currency that money is paid in today."""


class AmountTooLarge(Refusal):
    """A period would cost more than can be calculated with everywhere."""


class AlreadyCancelled(Refusal): ...


class NoCancellationToWithdraw(Refusal): ...


class CancellationTookEffect(Refusal): ...
