"""The static files of the page. Their names contain a hash of the content, so browsers cache them without expiry."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

from chassis.http.problems import not_found

FOLDER = Path(__file__).parent / "files"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class File:
    name: str
    """`card.1f2e3d4c.js`"""
    body: bytes
    media_type: str


def load() -> dict[str, File]:
    """By the plain name, `card.js`."""
    files = {}
    for path in FOLDER.iterdir():
        if path.suffix in TYPES:
            body = path.read_bytes()
            name = f"{path.stem}.{hashlib.sha256(body).hexdigest()[:12]}{path.suffix}"
            files[path.name] = File(name, body, TYPES[path.suffix])
    return files


def routes(files: dict[str, File]) -> APIRouter:
    api = APIRouter()
    by_name = {file.name: file for file in files.values()}

    @api.get("/cards/files/{name}", include_in_schema=False)
    async def file(name: str) -> Response:
        if name not in by_name:
            raise not_found()
        file = by_name[name]
        headers = {"cache-control": "public, max-age=31536000, immutable", "cross-origin-resource-policy": "same-origin"}
        return Response(file.body, media_type=file.media_type, headers=headers)

    return api
