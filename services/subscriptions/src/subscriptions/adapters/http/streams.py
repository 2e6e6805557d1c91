"""The events of one aggregate, for support."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from chassis.http.authentication import Merchant
from chassis.http.description import answers
from chassis.http.page_cursors import Cursor, Cursors, Limit
from chassis.http.problems import not_found
from subscriptions.adapters.http.documents import Stream
from subscriptions.application.ports import Streams

Aggregate = Annotated[
    str,
    Path(
        pattern="^(merchant|plan|subscription)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        description="The aggregate: `merchant-<uuid>`, `plan-<uuid>` or `subscription-<uuid>`.",
    ),
]


def routes(streams: Streams, cursors: Cursors) -> APIRouter:
    api = APIRouter(prefix="/v1/streams", tags=["support"])

    @api.get("/{aggregate}")
    @answers(Stream)
    async def read(caller: Merchant, aggregate: Aggregate, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
        """List the events of one aggregate, oldest first.

        For support: the events are those that subscribers receive from Kafka.
        """
        after = cursors.decode(cursor, "version")["version"] if cursor else 0
        events = await streams.page(caller.merchant_id, aggregate, after, limit + 1)
        if not events and not cursor:
            raise not_found()
        more = cursors.encode({"version": after + limit}) if len(events) > limit else None
        return {"aggregate": aggregate, "events": events[:limit], "next_cursor": more}

    return api
