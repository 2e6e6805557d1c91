"""The reasons for which a merchant refuses a command. Each is named after the fact that forbids it."""


class Refusal(Exception):
    """A rule forbids the command; nothing has changed."""


class NoSuchMerchant(Refusal): ...


class AlreadyRegistered(Refusal): ...


class NoSuchKey(Refusal): ...


class TooManyKeys(Refusal):
    """A key must be revoked before another is issued."""


class LastKey(Refusal):
    """Without a key, no program can act for the merchant."""


class NotASandbox(Refusal):
    """Only a sandbox has a clock that can be set."""


class ClockRunsForward(Refusal): ...
