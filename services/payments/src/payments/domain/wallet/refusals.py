"""The reasons for which a wallet refuses a command. Each is named after the fact that forbids it."""


class Refusal(Exception):
    """A rule forbids the command; nothing has changed."""


class NoSuchPaymentMethod(Refusal): ...


class LastMethodInUse(Refusal):
    """The customer's only card pays for a subscription, or for what is owed."""


class TooManyMethods(Refusal):
    """The customer has as many cards as are allowed."""


class DefaultAsBackup(Refusal):
    """The default cannot replace itself."""


class SuccessorChanged(Refusal):
    """Another card would become the default than was shown."""
