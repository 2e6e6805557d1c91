"""A small aggregate for tests of the chassis: a lamp that a timer switches off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

from billing_contracts.envelope import EventData
from chassis.eventsourcing.aggregate import Aggregate, Announcement
from chassis.eventsourcing.codec import Codec
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.decider import Decider

NOON = datetime(2023, 5, 20, 12, tzinfo=UTC)
MERCHANT = UUID(int=7)
CONTEXT = Context.beginning(MERCHANT, "operator")


@dataclass(frozen=True, slots=True)
class SwitchOn:
    at: datetime
    minutes: int = 60


@dataclass(frozen=True, slots=True)
class SwitchOff:
    at: datetime


@dataclass(frozen=True, slots=True)
class Count:
    """Toggle the lamp."""

    at: datetime


@dataclass(frozen=True, slots=True)
class SwitchedOn:
    until: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    at: datetime


class NoSuchLamp(Exception): ...


class LampIsOn(NoSuchLamp): ...


Command = SwitchOn | SwitchOff | Count
Event = SwitchedOn | SwitchedOff


@dataclass(frozen=True, slots=True)
class Lamp:
    until: datetime | None
    switched: int


class LampSwitched(EventData):
    TYPE: ClassVar[str] = "billing.lamps.LampSwitched.v1"
    on: bool


def decide(command: Command, lamp: Lamp | None) -> list[Event]:
    match command:
        case SwitchOn(at, minutes):
            if lamp and lamp.until:
                raise LampIsOn
            return [SwitchedOn(at + timedelta(minutes=minutes), at)]
        case SwitchOff(at):
            if lamp is None:
                raise NoSuchLamp
            return [SwitchedOff(at)] if lamp.until else []
        case Count(at):
            return [SwitchedOff(at)] if lamp and lamp.until else [SwitchedOn(at + timedelta(hours=1), at)]


def evolve(lamp: Lamp | None, event: Event) -> Lamp:
    switched = lamp.switched + 1 if lamp else 1
    return Lamp(event.until if isinstance(event, SwitchedOn) else None, switched)


def timers(lamp: Lamp) -> Mapping[str, datetime]:
    return {"burnt down": lamp.until} if lamp.until else {}


RULES: Decider[Command, Event, Lamp] = Decider(decide, evolve)
LAMP: Aggregate[Command, Event, Lamp] = Aggregate(
    kind="lamp",
    decider=RULES,
    refusal=NoSuchLamp,
    codec=Codec({"switched-on": SwitchedOn, "switched-off": SwitchedOff}),
    announce=lambda event, _: Announcement(LampSwitched(on=isinstance(event, SwitchedOn)), event.at),
    timers=timers,
    on_timer=lambda _, __, now: SwitchOff(now),
)
