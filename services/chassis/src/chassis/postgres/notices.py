"""Wakes up those who show what has changed."""

import json
from collections.abc import Set as AbstractSet
from uuid import UUID

import asyncpg

from chassis.background import survives

_PAIRS = 80
"""In one notification, which holds less than 8 000 bytes."""


async def notify(pool: asyncpg.Pool, channel: str, changed: AbstractSet[tuple[UUID, UUID]]) -> None:
    """Sends JSON [["<merchant>", "<customer>"], …] on a connection of its own, after the commit: never inside of it.

    Never raises: listeners poll as well, so that a lost notice is only a delay.
    """
    await survives(f"notices {channel}", _send(pool, channel, changed))


async def _send(pool: asyncpg.Pool, channel: str, changed: AbstractSet[tuple[UUID, UUID]]) -> None:
    pairs = sorted([str(merchant), str(customer)] for merchant, customer in changed)
    async with pool.acquire() as connection:
        for first in range(0, len(pairs), _PAIRS):
            payload = json.dumps(pairs[first : first + _PAIRS], separators=(",", ":"))
            # It does not wait for the disk: nothing is lost with it when the server stops.
            await connection.execute("SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)", channel, payload)
