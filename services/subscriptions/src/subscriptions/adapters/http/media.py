"""Pictures: logos and products."""

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from chassis.http.asked import Ask
from chassis.http.principal import Caller, Merchant
from chassis.http.problems import Problem, not_found
from chassis.postgres.write_sets import Connection
from chassis.store import Answer
from subscriptions.application.ports import Media, Picture

MAX_BYTES = 1024 * 1024
MediaPath = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


def routes(media: Media, encode: Callable[[bytes], Picture], not_a_picture: type[Exception]) -> APIRouter:
    api = APIRouter(prefix="/v1/media", tags=["media"])

    @api.post("", status_code=201)
    async def upload(asked: Ask, caller: Merchant, request: Request) -> Response:
        """A raw PNG, JPEG or WebP up to 1 MiB; kept as WebP of 512 px at most, under the hash of that."""
        content = await request.body()
        try:
            picture = await asyncio.to_thread(encode, content)
        except not_a_picture:
            raise Problem(422, "not_a_picture", "Only PNG, JPEG and WebP pictures are taken") from None

        async def work(connection: Connection) -> Answer:
            await media.add(connection, caller.merchant_id, picture)
            return Answer(201, {"media_id": picture.id, "width": picture.width, "height": picture.height})

        return await asked.once(work)

    @api.get("/{id}")
    async def read(caller: Caller, id: MediaPath) -> Response:
        """For services, which show pictures to whoever has a page: any merchant's. For a merchant: its own."""
        content = await media.get(caller.merchant, id)
        if content is None:
            raise not_found()
        return Response(content, media_type="image/webp")

    return api
