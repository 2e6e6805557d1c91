"""TLS contexts from files, which can be read again."""

import functools
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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


@functools.cache
def system_context() -> ssl.SSLContext:
    """Trusts the authorities of the system. One for the process: reading them takes 25 ms of processor time."""
    return client_context()


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


def trust_added(context: ssl.SSLContext, ca_file: Path) -> None:
    """Trust authorities that were added to the file. Removed ones are trusted until the process ends.

    Raises OSError (also ssl.SSLError) if the file cannot be used.
    """
    context.load_verify_locations(ca_file)
