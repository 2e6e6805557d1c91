"""The reasons for which a wallet refuses a command. Each is named after the fact that forbids it."""


class Refusal(Exception):
    """A rule forbids the command; nothing has changed."""


class NoSuchPaymentMethod(Refusal): ...


class LastMethodInUse(Refusal):
    """The customer's only card pays for a subscription."""
