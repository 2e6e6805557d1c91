"""The secrets that let a customer in: how they are made, told apart and kept. Only keyed or plain hashes are kept.

A link's token is `<id>.<secret>`: a UUID and 256 random bits in base64url. What is compared is the text itself, so
that every bit of it counts.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from uuid import UUID

_TOKEN = re.compile(r"(?:[^#\s\x00]{1,500}#)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{43})", re.ASCII)
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class LinkToken:
    id: UUID
    secret: str

    @classmethod
    def read(cls, text: str) -> "LinkToken | None":
        """The token in what somebody pasted: the whole URL or the token alone. None when there is none."""
        if len(text) > _LONGEST:
            return None
        found = _TOKEN.fullmatch(text.strip(" "))
        return cls(UUID(found[1]), found[2]) if found else None

    def __str__(self) -> str:
        return f"{self.id}.{self.secret}"


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
