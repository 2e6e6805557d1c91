"""Static files under addresses that contain the hash of their content, so that browsers can cache them forever."""

import re
from hashlib import sha256
from importlib.resources import files
from typing import Final

from presentation.static_files import StaticFile

MEDIA_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
IMMUTABLE: Final = {"cache-control": "public, max-age=31536000, immutable"}
_IMPORTED = re.compile(r'(?:(?<=from ")|(?<=import\("))\./([a-z]+\.js)(?=")|(?<=url\()\./([a-z0-9-]+\.woff2)(?=\))')
"""A script in a script, a font in a stylesheet."""


class Assets:
    """The files of static/, read once. What scripts and styles import is rewritten to the hashed addresses."""

    def __init__(self) -> None:
        self._urls: dict[str, str] = {}
        self._by_name: dict[str, StaticFile] = {}
        for file in files("portal_gateway.adapters.page").joinpath("static").iterdir():
            if file.name.rpartition(".")[2] in MEDIA_TYPES:
                self._add(file.name)

    def url(self, name: str) -> str:
        """`/static/<hash>.css` of `portal.css`. Raises KeyError."""
        return self._urls[name]

    def find(self, hashed: str) -> StaticFile | None:
        """The file under `/static/{hashed}`."""
        return self._by_name.get(hashed)

    def _add(self, name: str) -> str:
        if name not in self._urls:
            source = files("portal_gateway.adapters.page").joinpath("static", name).read_bytes()
            if name.endswith((".js", ".css")):
                source = _IMPORTED.sub(lambda match: self._add(match[1] or match[2]), source.decode()).encode()
            suffix = name.rpartition(".")[2]
            hashed = f"{sha256(source).hexdigest()[:20]}.{suffix}"
            self._by_name[hashed] = StaticFile(source, MEDIA_TYPES[suffix])
            self._urls[name] = f"/static/{hashed}"
        return self._urls[name]
