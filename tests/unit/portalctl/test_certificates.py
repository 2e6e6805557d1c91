"""`portalctl certificates`: certificates that strict clients accept, replaced before they end."""

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import Result

from chassis.tls import CertificateFiles, ListenerCertificate, client_context
from portalctl import certificates
from portalctl.certificates import FILE, host_names, write_certificates
from portalctl.local.folder import Folder
from support.portalctl_command import portalctl

PORTAL, CARDS = "https://portal.example", "https://cards.example:8443"
READERS = ("kafka", "postgres", "subscriptions", "payments", "invoicing", "portal-gateway", "cards", "portalctl")


def write(tmp_path: Path, portal: str = PORTAL) -> list[str]:
    """The files that were written, relative to their folder."""
    to = tmp_path / "files"
    written = write_certificates(Folder(tmp_path / ".portal"), to, host_names(portal, CARDS))
    return [str(file.relative_to(to)) for file in written]


def handshake(tmp_path: Path, reader: str, host: str) -> dict[str, object]:
    """The certificate that a strict client accepts for the host. Raises ssl.SSLError."""
    files = tmp_path / "files"
    server = ListenerCertificate(CertificateFiles(files / reader / FILE)).context
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            with server.wrap_socket(theirs, server_side=True) as connection:
                connection.recv(1)
        except OSError:
            pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with ours, client_context(files / "authority/ca.pem").wrap_socket(ours, server_hostname=host) as connection:
            return dict(connection.getpeercert() or {})
    finally:
        thread.join(20)


def serial_numbers(tmp_path: Path) -> dict[str, int]:
    files = tmp_path / "files"
    return {name: x509.load_pem_x509_certificate((files / name / FILE).read_bytes()).serial_number for name in READERS}


@pytest.mark.parametrize(
    ("reader", "host"),
    [*((reader, reader) for reader in READERS), ("portal-gateway", "portal.example"), ("cards", "cards.example")],
)
def test_a_strict_client_accepts_each_certificate_for_its_hosts(tmp_path: Path, reader: str, host: str) -> None:
    write(tmp_path)
    assert handshake(tmp_path, reader, host)["subject"] == ((("commonName", reader),),)


def test_a_certificate_is_not_valid_for_the_host_of_another_reader(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, "payments", "subscriptions")


def test_an_address_may_be_a_number(tmp_path: Path) -> None:
    write(tmp_path, portal="https://127.0.0.1:8080")
    assert handshake(tmp_path, "portal-gateway", "127.0.0.1")


def test_a_second_call_writes_nothing(tmp_path: Path) -> None:
    assert write(tmp_path)
    assert write(tmp_path) == []


def test_only_the_certificate_of_a_changed_address_is_replaced(tmp_path: Path) -> None:
    write(tmp_path)
    assert write(tmp_path, portal="https://other.example") == [f"portal-gateway/{FILE}"]


def test_certificates_are_replaced_before_they_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as short:
        short.setattr(certificates, "DAYS", certificates.RENEWAL_DAYS - 1)
        write(tmp_path)
    before = serial_numbers(tmp_path)
    assert write(tmp_path) == [f"{reader}/{FILE}" for reader in READERS]
    assert before.keys() == {name for name, number in serial_numbers(tmp_path).items() if number != before[name]}


def test_certificates_of_a_lost_authority_are_replaced(tmp_path: Path) -> None:
    write(tmp_path)
    for file in (tmp_path / ".portal/tls").iterdir():
        file.unlink()
    assert set(write(tmp_path)) >= {"authority/ca.pem", *(f"{reader}/{FILE}" for reader in READERS)}
    assert handshake(tmp_path, "kafka", "kafka")


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    write(tmp_path)
    damaged = tmp_path / "files/kafka" / FILE
    damaged.chmod(0o600)
    damaged.write_text("nothing")
    assert write(tmp_path) == [f"kafka/{FILE}"]


def test_keys_are_readable_by_their_owner_and_group_only(tmp_path: Path) -> None:
    write(tmp_path)
    keys = [*(tmp_path / "files").glob(f"*/{FILE}"), *(tmp_path / "files").glob("*/KAFKA_PASSWORD")]
    assert {stat.S_IMODE(file.stat().st_mode) for file in keys} == {0o440}
    assert stat.S_IMODE((tmp_path / ".portal/tls").stat().st_mode) == 0o700


def run(tmp_path: Path, *words: str) -> Result:
    return portalctl("--folder", str(tmp_path / ".portal"), *words)


@pytest.mark.parametrize("url", ["portal.example", "https://portal.example/page", "ftp://portal.example"])
def test_a_wrong_address_is_refused_and_nothing_is_written(tmp_path: Path, url: str) -> None:
    result = run(tmp_path, "certificates", str(tmp_path / "files"), f"--portal-url={url}", f"--cards-url={CARDS}")
    assert result.exit_code == 2
    assert "expected an origin" in " ".join(result.stderr.replace("│", " ").split())
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize("options", ["sslmode", "sslmode=sometimes", "a b"])
def test_wrong_options_of_postgres_are_refused_and_nothing_is_written(tmp_path: Path, options: str) -> None:
    result = run(tmp_path, "secrets", str(tmp_path / "files"), f"--postgres-options={options}")
    assert result.exit_code == 2
    assert "expected parameters" in " ".join(result.stderr.replace("│", " ").split())
    assert not (tmp_path / "files").exists()


def test_options_of_postgres_are_in_every_url(tmp_path: Path) -> None:
    options = "sslmode=verify-full&sslrootcert=/portal/authority/ca.pem"
    assert run(tmp_path, "secrets", str(tmp_path / "files"), f"--postgres-options={options}").exit_code == 0
    urls = [file.read_text() for file in (tmp_path / "files").glob("*/*_URL")]
    assert len(urls) == 9
    assert all(url.endswith(f"?{options}") for url in urls), [url.partition("?")[2] for url in urls]
