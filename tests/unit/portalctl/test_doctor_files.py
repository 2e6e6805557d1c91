"""`portalctl doctor` examines files with secrets and certificates, and only those that a setting names."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from portalctl.doctor.files import check_certificates, check_disk, check_secrets

CANARY = "canary-that-may-not-be-shown"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def write(file: Path, mode: int) -> Path:
    file.write_text(CANARY)
    file.chmod(mode)
    return file


@pytest.mark.parametrize(("mode", "status"), [(0o600, "ok"), (0o400, "ok"), (0o640, "warning"), (0o604, "warning")])
def test_a_secret_that_others_may_read_is_a_warning(tmp_path: Path, mode: int, status: str) -> None:
    file = write(tmp_path / "password", mode)
    [finding] = check_secrets({"KAFKA_PASSWORD_FILE": str(file)}, {}, None)
    assert (finding.check, finding.status) == ("secret KAFKA_PASSWORD_FILE", status)
    assert (finding.advice == f"chmod 600 {file}") == (status == "warning")
    assert CANARY not in finding.what


def test_a_missing_secret_and_the_key_of_a_database_url_are_examined(tmp_path: Path) -> None:
    key = write(tmp_path / "client.key", 0o644)
    urls = {"payments": f"postgresql://u@h/payments?sslmode=verify-full&sslkey={key}"}
    finding = {each.check: each.status for each in check_secrets({"KAFKA_KEY_FILE": str(tmp_path / "none")}, urls, None)}
    assert finding == {"secret KAFKA_KEY_FILE": "failed", "secret payments sslkey": "warning"}


def test_files_of_other_programs_are_not_examined(tmp_path: Path) -> None:
    file = str(write(tmp_path / "other", 0o644))
    others = {"SSL_CERT_FILE": file, "TF_CLI_CONFIG_FILE": file, "OTHER_CA_FILE": file}
    assert [each.status for each in check_secrets(others, {}, None)] == ["skipped"]
    assert [each.status for each in check_certificates(others, {})] == ["skipped"]


@pytest.mark.parametrize(
    ("left", "status"), [(90, "ok"), (20, "warning"), (-1, "failed")], ids=["valid", "expires soon", "expired"]
)
def test_a_certificate_that_expires_is_named_in_time(tmp_path: Path, left: int, status: str) -> None:
    expires = datetime.now(UTC) + timedelta(days=400)
    issued = trustme.CA().issue_cert("portal.example", not_after=expires, not_before=NOW - timedelta(days=400))
    file = tmp_path / "client.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(str(file))
    urls = {"payments": f"postgresql://u@h/payments?sslcert={file}"}
    [finding] = check_certificates({}, urls, expires - timedelta(days=left))
    assert (finding.check, finding.status) == ("certificate payments sslcert", status)


def test_one_valid_authority_of_a_bundle_is_enough(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    trustme.CA().cert_pem.write_to_path(str(bundle), append=True)
    assert [each.status for each in check_certificates({"KAFKA_CA_FILE": str(bundle)}, {})] == ["ok"]


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "ca.pem", 0o644)
    [finding] = check_certificates({"KAFKA_CA_FILE": str(file)}, {})
    assert (finding.status, "no certificate in PEM format" in finding.what) == ("failed", True)


def test_the_disk_is_examined_only_where_the_servers_are(tmp_path: Path) -> None:
    assert check_disk(tmp_path / "none").status == "skipped"
    assert "are free for" in check_disk(tmp_path).what
