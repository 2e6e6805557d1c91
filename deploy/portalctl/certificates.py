"""`portalctl certificates`: an authority, and certificates of all servers and services from it, one folder for each reader.

Also the passwords of Kafka's users. For a system on one host, and for a try-out; operators with an authority of their own write
the same files.
"""

import ipaddress
import os
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from portalctl.local.folder import Folder, read_json, write_json
from portalctl.local.services import SERVICES

FILE: Final = "tls.pem"
"""The certificate and its key, in one file, so that both are replaced at once."""
AUTHORITY_YEARS: Final = 10
DAYS: Final = 365
RENEWAL_DAYS: Final = 30
"""A certificate is replaced so long before its end."""
OPERATOR: Final = "portalctl"

_KEY = "authority-key.pem"
_CA = "ca.pem"
_PASSWORDS = "kafka-passwords.json"
_GROUP_READS, _ALL_READ = 0o440, 0o444


def host_names(portal_url: str, cards_url: str) -> dict[str, list[str]]:
    """The host names in each reader's certificate: those in the network of the containers, and those of the public addresses."""
    public = {"portal-gateway": portal_url, "cards": cards_url}
    readers = ["kafka", "postgres", *(service.name for service in SERVICES), "cards", OPERATOR]
    return {
        reader: [*([str(urlsplit(public[reader]).hostname)] if reader in public else []), reader, "localhost"]
        for reader in readers
    }


def write_certificates(folder: Folder, to: Path, hosts: Mapping[str, list[str]]) -> Iterator[Path]:
    """Create what is missing or ends soon, below `to`. Yields each file written.

    The authority's key and Kafka's passwords stay in the folder. Raises OSError.
    """
    folder.make()
    own = folder.root / "tls"
    own.mkdir(mode=0o700, exist_ok=True)
    authority = _authority(own)
    content = authority.certificate.public_bytes(Encoding.PEM)
    if _write(to / "authority" / _CA, content, _ALL_READ):
        yield to / "authority" / _CA
    for reader, names in hosts.items():
        file = to / reader / FILE
        if not _is_current(file, names, authority):
            _write(file, authority.issue(reader, names), _GROUP_READS)
            yield file
    for user, password in kafka_passwords(folder).items():
        if _write(to / user / "KAFKA_PASSWORD", password.encode(), _GROUP_READS):
            yield to / user / "KAFKA_PASSWORD"


def kafka_passwords(folder: Folder) -> dict[str, str]:
    """The password of each service's user. Missing ones are created and stored."""
    file = folder.root / "tls" / _PASSWORDS
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    stored = read_json(file)
    passwords = {service.name: secrets.token_urlsafe(24) for service in SERVICES} | stored
    if passwords != stored:
        write_json(file, passwords)
    return passwords


class _Authority:
    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self.key, self.certificate = key, certificate

    def issue(self, reader: str, hosts: list[str]) -> bytes:
        """Key and certificate (PEM). Kafka reads the user's name from the subject of a client's certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([*map(_general_name, hosts)])
        of_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            _builder(reader, self.certificate.subject, key, timedelta(days=DAYS))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(names, critical=False)
            .add_extension(of_issuer, critical=False)
            .sign(self.key, SHA256())
        )
        return _pem(key) + certificate.public_bytes(Encoding.PEM)


def _authority(own: Path) -> _Authority:
    """The stored authority; a new one the first time."""
    if not (own / _CA).exists():
        key = ec.generate_private_key(ec.SECP256R1())
        name = "Customer portal authority"
        certificate = (
            _builder(name, _name(name), key, timedelta(days=365 * AUTHORITY_YEARS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .sign(key, SHA256())
        )
        _write(own / _KEY, _pem(key), 0o400)
        _write(own / _CA, certificate.public_bytes(Encoding.PEM), _ALL_READ)
    key_read = load_pem_private_key((own / _KEY).read_bytes(), None)
    assert isinstance(key_read, ec.EllipticCurvePrivateKey)
    return _Authority(key_read, x509.load_pem_x509_certificate((own / _CA).read_bytes()))


def _is_current(file: Path, hosts: list[str], authority: _Authority) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        certificate.verify_directly_issued_by(authority.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    ends = certificate.not_valid_after_utc - timedelta(days=RENEWAL_DAYS)
    return ends > datetime.now(UTC) and list(names) == [*map(_general_name, hosts)]


def _builder(name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + valid)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Python 3.13 rejects an authority without it."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """PKCS #8, the only form that Kafka reads."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> bool:
    """Replace the file at once. Returns False if it has this content already."""
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
    fresh.replace(path)
    return True
