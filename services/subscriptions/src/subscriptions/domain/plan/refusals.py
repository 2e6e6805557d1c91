"""The reasons for which a plan refuses a command. Each is named after the fact that forbids it."""


class Refusal(Exception):
    """A rule forbids the command; nothing has changed."""


class AlreadyPublished(Refusal): ...
