"""Scripts, styles and merchants' colours, under addresses that contain the hash of their content."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from chassis.http.problems import not_found
from portal_gateway.adapters.page import theme
from portal_gateway.adapters.page.assets import IMMUTABLE, Assets
from portal_gateway.adapters.page.compression import accepts_gzip

_SAFE = IMMUTABLE | {"x-content-type-options": "nosniff", "cross-origin-resource-policy": "same-origin"}


def routes(assets: Assets) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name}")
    async def static(name: str, request: Request) -> Response:
        asset = assets.find(name)
        if asset is None:
            raise not_found()
        headers = _SAFE | {"vary": "Accept-Encoding"}
        if accepts_gzip(request.headers) and len(asset.compressed) < len(asset.content):
            return Response(asset.compressed, 200, headers | {"content-encoding": "gzip"}, asset.media_type)
        return Response(asset.content, 200, headers, asset.media_type)

    @router.get("/theme/{name}")
    async def colours(name: str) -> Response:
        css = theme.by_name(name)
        if css is None:
            raise not_found()
        return Response(css, 200, _SAFE, "text/css; charset=utf-8")

    return router
