"""The secrets that let a customer in: how they are made, told apart and kept. Only keyed or plain hashes are kept.

A link's token is `<id>.<secret>`: a UUID and 256 random bits in base64url. What is compared is the text itself, so
that every bit of it counts.
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
"""What a mail program may put into a long word: a line's end, with the marks of a quoted or a quoted-printable line."""
_ID = _BREAK.join((*["[0-9a-f]"] * 8, *(part for length in (4, 4, 4, 12) for part in ("-", *["[0-9a-f]"] * length))))
_SECRET = _BREAK.join(["[A-Za-z0-9_-]"] * 43)
_TOKEN = re.compile(rf"(?:^|[^0-9A-Za-z]|=3D)({_ID}){_BREAK}\.{_BREAK}({_SECRET})(?![0-9A-Za-z])")
_BROKEN = re.compile(r"[=\s>]")
_ENCODED = re.compile("(?:%[0-9A-Fa-f]{2})+")
_PROOFPOINT = re.compile("-(?=[0-9A-F]{2})")
_WORD_BREAK = re.compile("</?wbr */?>", re.IGNORECASE)
_REWRITTEN = 3
"""How often an address may have been encoded on its way."""
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_LONGEST = 8000


@dataclass(frozen=True, slots=True)
class LinkToken:
    id: UUID
    secret: str

    @classmethod
    def read(cls, text: str) -> "LinkToken | None":
        """The token wherever it stands in what was pasted or opened: the link as mail programs deliver it, or a mail with it.

        None when there is none. The page's script (token.js) does the same; one table of cases holds for both.
        """
        if len(text) > _LONGEST or "\x00" in text:
            return None
        found = next(filter(None, map(_TOKEN.search, _forms(text))), None)
        return cls(UUID(_BROKEN.sub("", found[1])), _BROKEN.sub("", found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.id}.{self.secret}"


def _forms(text: str) -> Iterator[str]:
    """The text as it is, and as it was before it was encoded on its way; each without what cannot be seen."""
    form = text
    for _ in range(_REWRITTEN):
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
    """Without format characters: zero-width spaces, soft hyphens, marks of direction."""
    return text if text.isascii() else "".join(c for c in text if category(c) != "Cf")


class Peppers:
    """The keys under which links' secrets are hashed: the first makes new hashes, all of them check old ones."""

    def __init__(self, peppers: str) -> None:
        """`peppers` are apart by commas, newest first, each of 32 characters or more. Raises ValueError."""
        keys = [pepper.strip().encode() for pepper in peppers.split(",")]
        if any(len(key) < 32 for key in keys):
            raise ValueError("a pepper has at least 32 characters")
        self._keys = {hashlib.sha256(key).hexdigest()[:8]: key for key in keys}
        self.newest = next(iter(self._keys))

    def digest(self, token: LinkToken, pepper: str) -> bytes:
        """What is kept of the token. Raises KeyError for a pepper that has been retired."""
        return hmac.digest(self._keys[pepper], f"link/{token}".encode(), hashlib.sha256)

    def opens(self, token: LinkToken, pepper: str, digest: bytes) -> bool:
        return pepper in self._keys and hmac.compare_digest(self.digest(token, pepper), digest)

    def derived(self, id: UUID, attempt: str, pepper: str) -> LinkToken:
        """The token of a link that was asked for under an idempotency key: made again for a repetition, kept nowhere."""
        return LinkToken(id, encoded(hmac.digest(self._keys[pepper], f"secret/{id}/{attempt}".encode(), hashlib.sha256)))


def encoded(secret: bytes) -> str:
    """32 random bytes as 43 characters of base64url."""
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def session_digest(cookie: str | None) -> bytes | None:
    """What is kept of a session's secret; None for what cannot be one."""
    if cookie is None or not _SESSION.fullmatch(cookie):
        return None
    return hashlib.sha256(cookie.encode()).digest()


def csrf_token(cookie: str) -> str:
    """Derived from the session's secret, which it does not give away."""
    return encoded(hmac.digest(cookie.encode(), b"csrf", hashlib.sha256))


def page_tag(csrf: str) -> str:
    """Names a session where its token must not stand, in an address: so that a page can say which session it shows."""
    return hashlib.sha256(csrf.encode()).hexdigest()[:16]


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
