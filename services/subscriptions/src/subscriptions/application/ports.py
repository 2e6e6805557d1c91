"""The ports of the application to the database. The adapters implement them."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Statement
from subscriptions.application.profiles import Customer, Profile

Connection: TypeAlias = Any
"""A database connection, opaque to the application."""


class Customers(Protocol):
    async def get(self, merchant_id: UUID, id: UUID) -> Customer | None:
        """None for a customer that is unknown, erased, or of another merchant."""

    async def add(self, connection: Connection, context: Context, id: UUID, profile: Profile, at: datetime) -> Customer: ...

    async def locked(self, connection: Connection, merchant_id: UUID, id: UUID) -> Customer | None:
        """The customer, locked until the transaction ends."""

    async def change(self, connection: Connection, context: Context, customer: Customer, at: datetime) -> None:
        """Stores and publishes a new revision of a locked customer."""

    async def erase(self, connection: Connection, merchant_id: UUID, id: UUID) -> bool:
        """Deletes the profile and every comment. False if there is no such customer."""

    async def subscriptions(self, merchant_id: UUID, id: UUID) -> list[UUID]:
        """The ids of all the customer's subscriptions, ended ones included."""


class Comments(Protocol):
    def write(self, merchant_id: UUID, subscription_id: UUID, customer_id: UUID, comment: str) -> Statement: ...


PIXELS_MAX = 12_500_000
"""A larger picture is not decoded: 40 bytes of WebP can expand to gigabytes."""


class NotAPicture(Exception):
    """Not a PNG, JPEG or WebP that can be decoded."""


class TooManyPixels(NotAPicture):
    """More than PIXELS_MAX."""


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
        """The picture as WebP. `merchant_id` None: of any merchant."""

    async def has(self, merchant_id: UUID, id: str) -> bool: ...


class Plans(Protocol):
    async def page(self, merchant_id: UUID, after: int, limit: int) -> list[tuple[int, dict[str, object]]]:
        """(position, plan) after the position `after`, oldest first."""


class Prices(Protocol):
    async def largest(self, merchant_id: UUID) -> int:
        """The largest price times quantity of subscriptions that have not ended, to plans without a tax of their own.

        0 if there are none.
        """


@dataclass(frozen=True, slots=True)
class ClockJob:
    to: datetime
    finished: bool


class ClockJobs(Protocol):
    async def ask(self, merchant_id: UUID, to: datetime) -> ClockJob:
        """Start the job. A job that runs already is returned instead; its `to` may differ."""

    async def get(self, merchant_id: UUID) -> ClockJob | None: ...

    async def running(self, merchant_id: UUID) -> list[UUID]:
        """The subscriptions with a charge that has no outcome yet."""

    async def unfinished(self) -> list[UUID]:
        """The merchants that have a job."""

    def claimed(self, connection: Connection, merchant_id: UUID) -> AbstractAsyncContextManager[datetime | None]:
        """The target of the merchant's clock. None if there is no job, or another worker has claimed it.

        The claim ends with the block, and with the process.
        """

    async def finish(self, connection: Connection, merchant_id: UUID) -> None: ...

    async def settled(self, connection: Connection, merchant_id: UUID) -> bool:
        """Whether every charge of the merchant has its outcome."""


class Streams(Protocol):
    async def page(self, merchant_id: UUID, stream: str, after: int, limit: int) -> list[dict[str, object]]:
        """The public events of one aggregate after the version `after`, oldest first."""


class MerchantTime(Protocol):
    """One merchant's clock, and the commands that wait for it."""

    async def settled(self) -> None:
        """Return once every charge has its outcome."""

    async def next_due(self) -> datetime | None:
        """The earliest instant at which something is due."""

    async def now(self) -> datetime: ...

    async def set_clock(self, to: datetime) -> None: ...

    async def fire_due(self, now: datetime) -> None:
        """Give every command that is due at `now`."""
