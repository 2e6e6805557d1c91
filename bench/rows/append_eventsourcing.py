"""The compared library: the PostgreSQL recorder of `eventsourcing`, called by threads as intended."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from bench.measuring import Figures
from bench.servers import Servers
from bench.usage import Meter, here
from support.databases import fresh_database

CALLERS: Final = 32
EVENTS: Final = 4_000
STATE: Final = b"." * 300


@asynccontextmanager
async def recorders(servers: Servers) -> AsyncIterator[dict[str, "partial[Figures]"]]:
    """Name -> a call that appends one-event transactions from 32 threads and measures their rate."""
    async with fresh_database(servers.postgres_url, "peer") as database:
        parts = urlsplit(database.admin_url)
        stores = {
            name: PostgresDatastore(
                dbname=parts.path.removeprefix("/"),
                host=str(parts.hostname),
                port=str(parts.port),
                user=str(parts.username),
                password=str(parts.password),
                pool_size=CALLERS,
                max_overflow=CALLERS,
                enable_db_functions=functions,
            )
            for name, functions in (("eventsourcing", False), ("eventsourcing, database functions", True))
        }
        appends = {}
        for number, (name, store) in enumerate(stores.items()):
            recorder = PostgresApplicationRecorder(store, events_table_name=f"peer_{number}")
            recorder.create_table()
            appends[name] = partial(_append, recorder, f"{name} @{CALLERS}", servers)
        try:
            yield appends
        finally:
            for store in stores.values():
                store.close()


def _append(recorder: PostgresApplicationRecorder, name: str, servers: Servers) -> Figures:
    def one(_: int) -> None:
        recorder.insert_events([StoredEvent(uuid4(), 1, "bench:Event", STATE)])

    with ThreadPoolExecutor(CALLERS) as threads:
        list(threads.map(one, range(CALLERS)))  # connects
        meter = Meter({**here(), **servers.only("postgres")})
        list(threads.map(one, range(EVENTS)))
        return meter.rate(name, EVENTS)
