"""The secrets of links and sessions: creation, parsing and verification. Only keyed or plain hashes are stored.

A link's token is `<id>.<secret>`: a UUID and 256 random bits in base64url. Tokens are compared as text, so that every
character counts.
"""

import base64
import hashlib
import hmac
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import category
from uuid import UUID

_BREAK = r"=?[\s>]*"
"""What a mail program inserts into a long word: a line break, with the marks of quoted or quoted-printable lines."""
_ID = _BREAK.join((*["[0-9a-f]"] * 8, *(part for length in (4, 4, 4, 12) for part in ("-", *["[0-9a-f]"] * length))))
_SECRET = _BREAK.join(["[A-Za-z0-9_-]"] * 43)
_TOKEN = re.compile(rf"(?:^|[^0-9A-Za-z]|=3D)({_ID}){_BREAK}\.{_BREAK}({_SECRET})(?![0-9A-Za-z])")
_BROKEN = re.compile(r"[=\s>]")
_ENCODED = re.compile("(?:%[0-9A-Fa-f]{2})+")
_PROOFPOINT = re.compile("-(?=[0-9A-F]{2})")
_WORD_BREAK = re.compile("</?wbr */?>", re.IGNORECASE)
_ENCODINGS_MAX = 3
"""How often mail programs may have encoded an address."""
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_TEXT_CHARACTERS_MAX = 8000


@dataclass(frozen=True, slots=True)
class LinkToken:
    id: UUID
    secret: str

    @classmethod
    def read(cls, text: str) -> "LinkToken | None":
        """Find the token in a pasted or opened text: a link as mail programs deliver it, or a mail that contains one.

        None if the text has none. The page's script (token.js) does the same; one table of test cases covers both.
        """
        if len(text) > _TEXT_CHARACTERS_MAX or "\x00" in text:
            return None
        match = next(filter(None, map(_TOKEN.search, _decodings(text))), None)
        return cls(UUID(_BROKEN.sub("", match[1])), _BROKEN.sub("", match[2])) if match else None

    def __str__(self) -> str:
        return f"{self.id}.{self.secret}"


def _decodings(text: str) -> Iterator[str]:
    """The text, and the text before each encoding by mail programs; all without invisible characters."""
    form = text
    for _ in range(_ENCODINGS_MAX):
        form = _WORD_BREAK.sub("", html.unescape(form))
        yield _visible(form)
        if "urldefense.proofpoint.com/v2" in form:
            yield _visible(_decoded(_PROOFPOINT.sub("%", form)))
        form = _decoded(form)
    yield _visible(form)


def _decoded(text: str) -> str:
    return _ENCODED.sub(_characters, text)


def _characters(encoded: re.Match[str]) -> str:
    try:
        return bytes.fromhex(encoded[0].replace("%", "")).decode()
    except UnicodeDecodeError:
        return encoded[0]


def _visible(text: str) -> str:
    """Remove format characters: zero-width spaces, soft hyphens, direction marks."""
    return text if text.isascii() else "".join(c for c in text if category(c) != "Cf")


class Peppers:
    """The keys of the links' hashes: the first one creates new hashes, all of them verify existing ones."""

    def __init__(self, peppers: str) -> None:
        """`peppers` are separated by commas, newest first, each of at least 32 characters. Raises ValueError."""
        self.use(peppers)

    def use(self, peppers: str) -> None:
        """From now on use these peppers. Raises ValueError, and changes nothing then."""
        keys = [pepper.strip().encode() for pepper in peppers.split(",")]
        if any(len(key) < 32 for key in keys):
            raise ValueError("a pepper has at least 32 characters")
        self._keys = {hashlib.sha256(key).hexdigest()[:8]: key for key in keys}
        self.newest = next(iter(self._keys))

    def knows(self, pepper: str) -> bool:
        """False for a retired pepper."""
        return pepper in self._keys

    def digest(self, token: LinkToken, pepper: str) -> bytes:
        """The stored hash of the token. Raises KeyError for a retired pepper."""
        return hmac.digest(self._keys[pepper], f"link/{token}".encode(), hashlib.sha256)

    def opens(self, token: LinkToken, pepper: str, digest: bytes) -> bool:
        return pepper in self._keys and hmac.compare_digest(self.digest(token, pepper), digest)

    def derived(self, id: UUID, attempt: str, pepper: str) -> LinkToken:
        """The token of a link that was created with an idempotency key. A repetition derives it again; it is not stored."""
        return LinkToken(id, encoded(hmac.digest(self._keys[pepper], f"secret/{id}/{attempt}".encode(), hashlib.sha256)))


def encoded(secret: bytes) -> str:
    """32 random bytes as 43 characters of base64url."""
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def session_digest(cookie: str | None) -> bytes | None:
    """The stored hash of a session's secret; None if the cookie is malformed."""
    if cookie is None or not _SESSION.fullmatch(cookie):
        return None
    return hashlib.sha256(cookie.encode()).digest()


def csrf_token(cookie: str) -> str:
    """Derived from the session's secret, without revealing it."""
    return encoded(hmac.digest(cookie.encode(), b"csrf", hashlib.sha256))


def page_tag(csrf: str) -> str:
    """Identifies a page's session in an address, where its token must not appear."""
    return hashlib.sha256(csrf.encode()).hexdigest()[:16]


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
