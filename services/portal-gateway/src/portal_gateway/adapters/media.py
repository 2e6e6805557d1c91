"""Uploaded images, addressed by the hash of their content."""

from fastapi import APIRouter
from fastapi.responses import Response

from portal_gateway.application.portal import Portal


def media_routes(portal: Portal) -> APIRouter:
    api = APIRouter()

    @api.get("/media/{sha256}.webp", include_in_schema=False)
    async def image(sha256: str) -> Response:
        document = await portal.media(sha256)
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(document.content, media_type=document.media_type, headers=headers)

    return api
