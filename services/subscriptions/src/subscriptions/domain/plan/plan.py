"""The rules of a plan: it is published once."""

from subscriptions.domain.plan.commands import Command
from subscriptions.domain.plan.events import Event, Published
from subscriptions.domain.plan.refusals import AlreadyPublished
from subscriptions.domain.plan.terms import Plan


def decide(command: Command, it: Plan | None) -> list[Event]:
    if it is not None:
        raise AlreadyPublished
    return [Published(command.plan, command.at)]


def evolve(_: Plan | None, event: Event) -> Plan:
    return event.plan
