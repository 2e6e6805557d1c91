"""TLS contexts from files, and files that are read again after a change."""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from chassis.runtime.faults import describe_error
from chassis.runtime.wait import wait_for_event

CHECK_SECONDS: Final = 1.0
"""Between two looks at the files. They are read when they have not changed for one such interval, so that a certificate and its
key can be replaced one after the other."""

log = structlog.get_logger()


def client_context(
    ca_file: Path | None = None, certificate_file: Path | None = None, key_file: Path | None = None
) -> ssl.SSLContext:
    """Trusts the authorities of the system without `ca_file`. Raises OSError (also ssl.SSLError) if a file cannot be used."""
    context = ssl.create_default_context(cafile=ca_file)
    # The defaults of Python 3.13, so that the same certificates are accepted by every version.
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    if certificate_file:
        load_certificate(context, certificate_file, key_file)
    return context


def load_certificate(context: ssl.SSLContext, certificate_file: Path, key_file: Path | None) -> None:
    """Raises OSError (also ssl.SSLError) if a file cannot be used."""
    context.load_cert_chain(certificate_file, key_file, password="")  # an encrypted key is an error, not a prompt


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    certificate: Path
    key: Path | None = None
    """None: the key is in the file of the certificate."""

    @property
    def all(self) -> tuple[Path, ...]:
        return (self.certificate, self.key) if self.key else (self.certificate,)


class ListenerCertificate:
    """The certificate of a listener. `context` stays the same when the certificate is replaced: each handshake uses the latest
    one, and open connections keep theirs.

    Raises OSError (also ssl.SSLError) if a file cannot be used.
    """

    def __init__(self, files: CertificateFiles) -> None:
        self.files = files
        self.context = self._latest = self._read()
        self.context.sni_callback = self._use_latest

    def reload(self) -> None:
        """Raises OSError (also ssl.SSLError) and changes nothing if a file cannot be used."""
        self._latest = self._read()

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # TLS 1.2 and newer
        context.set_alpn_protocols(["http/1.1"])
        load_certificate(context, self.files.certificate, self.files.key)
        return context

    def _use_latest(self, connection: Any, _name: str | None, _context: ssl.SSLContext) -> None:
        """Called in every handshake, also of clients that send no server name."""
        connection.context = self._latest


@dataclass(frozen=True, slots=True)
class WatchedFiles:
    what: str
    """For the log: what the files are for."""
    files: tuple[Path, ...]
    reload: Callable[[], None]
    """Raises OSError if the files cannot be used; the earlier ones then stay in use."""


def watched_authorities(context: ssl.SSLContext, ca_file: Path) -> WatchedFiles:
    """Authorities that are added to the file are trusted at once; removed ones until the process ends."""

    def reload() -> None:
        ssl.create_default_context(cafile=ca_file)
        context.load_verify_locations(ca_file)

    return WatchedFiles("authorities", (ca_file,), reload)


async def reload_changed_files(watched: Iterable[WatchedFiles], stop: asyncio.Event) -> None:
    """Reload files after each change, until `stop`."""
    used = {one: _fingerprint(one.files) for one in watched}
    seen = dict(used)
    while not stop.is_set():
        await wait_for_event(stop, CHECK_SECONDS)
        for one, before in seen.items():
            seen[one] = now = _fingerprint(one.files)
            if now != before or now == used[one]:
                continue
            used[one] = now
            try:
                one.reload()
            except OSError as error:
                log.error("tls.not_reloaded", what=one.what, files=[*map(str, one.files)], error=describe_error(error))
            else:
                log.info("tls.reloaded", what=one.what, files=[*map(str, one.files)])


def _fingerprint(files: tuple[Path, ...]) -> tuple[tuple[int, int, int] | None, ...]:
    """What changes when a file, or the target of a symbolic link, is replaced or written."""
    return tuple(_state_of(file) for file in files)


def _state_of(file: Path) -> tuple[int, int, int] | None:
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns, state.st_size
