"""The static files of the page. Their names contain a hash of the content, so browsers cache them without expiry."""

import hashlib
from pathlib import Path
from typing import TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import Response

from chassis.http.problems import not_found
from presentation.static_files import StaticFile

FOLDER = Path(__file__).parent / "files"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
Assets: TypeAlias = dict[str, tuple[str, StaticFile]]
"""`card.js`: ("card.1f2e3d4c5b6a.js", …)"""
IMMUTABLE = {"cache-control": "public, max-age=31536000, immutable", "cross-origin-resource-policy": "same-origin"}


def load() -> Assets:
    files = {}
    for path in FOLDER.iterdir():
        if path.suffix in TYPES:
            content = path.read_bytes()
            hashed = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
            files[path.name] = hashed, StaticFile(content, TYPES[path.suffix])
    return files


def routes(files: Assets) -> APIRouter:
    api = APIRouter()
    by_name = dict(files.values())

    @api.get("/cards/files/{name}", include_in_schema=False)
    async def file(name: str, request: Request) -> Response:
        if name not in by_name:
            raise not_found()
        body, headers = by_name[name].encoded(request.headers.getlist("accept-encoding"))
        return Response(body, 200, IMMUTABLE | headers)

    return api
