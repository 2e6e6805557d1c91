"""Pictures: logos and products."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from chassis.eventsourcing.event_store import Answer
from chassis.http.authentication import Caller, Merchant
from chassis.http.commands import CommandParam
from chassis.http.description import answers
from chassis.http.problems import not_found
from chassis.postgres.connection import Connection
from subscriptions.adapters.http.merchant_documents import Picture
from subscriptions.application import ports
from subscriptions.application.ports import Media

MAX_BYTES = 1024 * 1024
MediaPath = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The picture's `media_id`.")]


def routes(media: Media, encode: Callable[[bytes], ports.Picture]) -> APIRouter:
    api = APIRouter(prefix="/v1/media", tags=["media"])
    encoder = ThreadPoolExecutor(1, "pictures")  # one at a time: decoding takes up to 250 MB

    @api.post("", status_code=201)
    @answers(Picture, (422, "not_a_picture"), (422, "too_many_pixels"), body=("image/png", "image/jpeg", "image/webp", "*/*"))
    async def upload(request: CommandParam, caller: Merchant, upload: Request) -> Response:
        """Upload a picture.

        The body is the file: PNG, JPEG or WebP, up to 1 MiB. The type is read from the content, not from Content-Type. The
        picture is stored as WebP with 512 pixels a side at most, without the file's metadata.
        """
        content = await upload.body()
        picture = await asyncio.get_running_loop().run_in_executor(encoder, encode, content)

        async def work(connection: Connection) -> Answer:
            await media.add(connection, caller.merchant_id, picture)
            return Answer(201, {"media_id": picture.id, "width": picture.width, "height": picture.height})

        return await request.run_once(work)

    @api.get("/{id}", response_class=Response)
    @answers(media_types=("image/webp",))
    async def read(caller: Caller, id: MediaPath) -> Response:
        """Read a picture.

        A merchant reads its own pictures, a service those of any merchant.
        """
        content = await media.get(caller.merchant, id)
        if content is None:
            raise not_found()
        return Response(content, media_type="image/webp")

    return api
