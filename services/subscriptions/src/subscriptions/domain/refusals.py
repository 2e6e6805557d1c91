"""Why a subscription can say no. Named after the fact that forbids."""


class Refusal(Exception):
    """A rule forbids the command; nothing has changed."""


class NoSuchSubscription(Refusal): ...


class AlreadyStarted(Refusal): ...


class StartInTheFuture(Refusal): ...


class AlreadyCancelled(Refusal): ...


class NoCancellationToWithdraw(Refusal): ...


class CancellationTookEffect(Refusal): ...
