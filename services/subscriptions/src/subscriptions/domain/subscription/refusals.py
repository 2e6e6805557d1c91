"""The reasons for which a subscription refuses a command. Each is named after the fact that forbids it."""


class Refusal(Exception):
    """A rule forbids the command; nothing has changed."""


class NoSuchSubscription(Refusal): ...


class AlreadyStarted(Refusal): ...


class StartInTheFuture(Refusal): ...


class CurrencyNotSold(Refusal):
    """The plan's price is in a code that is not a current currency."""


class AmountTooLarge(Refusal):
    """A period would cost more than the largest amount that all services can handle."""


class AlreadyCancelled(Refusal): ...


class NoCancellationToWithdraw(Refusal): ...


class CancellationTookEffect(Refusal): ...
