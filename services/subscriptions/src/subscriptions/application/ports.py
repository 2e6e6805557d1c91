"""What the service keeps outside of its streams, as far as others need it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Statement
from chassis.postgres.connection import Connection
from subscriptions.application.profiles import Customer, Profile


class Customers(Protocol):
    async def get(self, merchant_id: UUID, id: UUID) -> Customer | None:
        """None for one that never was, is erased, or is another merchant's."""

    async def add(self, connection: Connection, context: Context, id: UUID, profile: Profile, at: datetime) -> Customer: ...

    async def locked(self, connection: Connection, merchant_id: UUID, id: UUID) -> Customer | None:
        """The customer, whom nobody else changes until the transaction ends."""

    async def change(self, connection: Connection, context: Context, customer: Customer, at: datetime) -> None:
        """Keeps and announces a customer that is locked."""

    async def erase(self, connection: Connection, merchant_id: UUID, id: UUID) -> bool:
        """Forgets the profile and every comment; False when there is no such customer."""

    async def subscriptions(self, merchant_id: UUID, id: UUID) -> list[UUID]:
        """The ids of all the customer's subscriptions, living or not."""


class Comments(Protocol):
    def write(self, merchant_id: UUID, subscription_id: UUID, customer_id: UUID, comment: str) -> Statement: ...


@dataclass(frozen=True, slots=True)
class Picture:
    id: str
    """SHA-256 of the bytes, in hex."""
    bytes: bytes
    width: int
    height: int


class Media(Protocol):
    async def add(self, connection: Connection, merchant_id: UUID, picture: Picture) -> None: ...

    async def get(self, merchant_id: UUID | None, id: str) -> bytes | None:
        """The picture as WebP; of any merchant when none is named."""

    async def has(self, merchant_id: UUID, id: str) -> bool: ...


class Plans(Protocol):
    async def page(self, merchant_id: UUID, after: int, limit: int) -> list[tuple[int, dict[str, object]]]:
        """(position, plan), oldest first, those after `after`."""


class Prices(Protocol):
    async def largest(self, merchant_id: UUID) -> int:
        """The largest price times quantity of the living subscriptions to plans without a tax of their own; 0 without any."""


@dataclass(frozen=True, slots=True)
class ClockJob:
    to: datetime
    finished: bool


class ClockJobs(Protocol):
    async def ask(self, merchant_id: UUID, to: datetime) -> ClockJob:
        """Begins the job, or finds the one that runs: then `to` may be another."""

    async def get(self, merchant_id: UUID) -> ClockJob | None: ...

    async def running(self, merchant_id: UUID) -> list[UUID]:
        """The subscriptions whose charge has no outcome yet."""

    async def unfinished(self) -> list[UUID]:
        """The merchants whose clocks are on their way."""

    def claimed(self, connection: Connection, merchant_id: UUID) -> AbstractAsyncContextManager[datetime | None]:
        """Where the merchant's clock is to go; None when there is no such job, or another worker has it.

        The claim lasts as long as the block, and ends with the process that holds it.
        """

    async def finish(self, connection: Connection, merchant_id: UUID) -> None: ...

    async def settled(self, connection: Connection, merchant_id: UUID) -> bool:
        """Whether every charge of the merchant has its outcome."""


class Streams(Protocol):
    async def page(self, merchant_id: UUID, stream: str, after: int, limit: int) -> list[dict[str, object]]:
        """The public messages of one aggregate, oldest first, of versions after `after`."""
