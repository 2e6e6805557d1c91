"""Scripts, styles and merchants' colours, under addresses that contain the hash of their content."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from chassis.http.problems import not_found
from portal_gateway.adapters.page import theme
from portal_gateway.adapters.page.assets import IMMUTABLE, Assets

_SAFE = IMMUTABLE | {"x-content-type-options": "nosniff", "cross-origin-resource-policy": "same-origin"}


def routes(assets: Assets) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name}")
    async def static(name: str, request: Request) -> Response:
        asset = assets.find(name)
        if asset is None:
            raise not_found()
        body, headers = asset.encoded(request.headers.getlist("accept-encoding"))
        return Response(body, 200, _SAFE | headers)

    @router.get("/theme/{name}")
    async def colours(name: str) -> Response:
        css = theme.by_name(name)
        if css is None:
            raise not_found()
        return Response(css, 200, _SAFE, "text/css; charset=utf-8")

    return router
