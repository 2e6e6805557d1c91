"""The access to Kafka: certificates and credentials are checked at the start, and each client gets them."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import trustme
from aiokafka.client import AIOKafkaClient
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key

from chassis.kafka_access import KafkaAccess
from chassis.service.kafka_settings import KafkaSettings, kafka_variables
from chassis.service.settings import ServiceSettings, SettingsError, read_settings
from support.settings import GOOD

SASL = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_USERNAME": "portal", "KAFKA_PASSWORD": "only-a-test"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """ca, certificate, key, encrypted key, another key, and all in one file."""
    folder, authority = tmp_path_factory.mktemp("certificates"), trustme.CA()
    one, other = (authority.issue_cert(f"{name}.example") for name in ("one", "other"))
    key = load_pem_private_key(one.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase"))
    contents = {
        "ca": authority.cert_pem.bytes(),
        "certificate": one.cert_chain_pems[0].bytes(),
        "key": one.private_key_pem.bytes(),
        "encrypted": encrypted,
        "other": other.private_key_pem.bytes(),
        "both": one.private_key_and_cert_chain_pem.bytes(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: str(folder / name) for name in contents}


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def problems(variables: pytest.MonkeyPatch, changes: Mapping[str, str]) -> list[str]:
    with variables.context() as changed:
        for name, value in changes.items():
            changed.setenv(name, value)
        try:
            read_settings(ServiceSettings)
        except SettingsError as error:
            return error.problems
    return []


VALID: Mapping[str, Mapping[str, str]] = {
    "system's authorities": {"KAFKA_SECURITY_PROTOCOL": "SSL"},
    "own authority": {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CA_FILE": "ca"},
    "client certificate": {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CERTIFICATE_FILE": "certificate", "KAFKA_KEY_FILE": "key"},
    "certificate and key in one file": {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CERTIFICATE_FILE": "both"},
    "password": SASL,
    "password without TLS": {**SASL, "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"},
    "plain password over TLS": {**SASL, "KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_CA_FILE": "ca"},
}
INVALID: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "authority without TLS": ("KAFKA_CA_FILE", {"KAFKA_CA_FILE": "ca"}),
    "certificate without TLS": ("KAFKA_CERTIFICATE_FILE", {"KAFKA_CERTIFICATE_FILE": "both"}),
    "key as authority": ("KAFKA_CA_FILE", {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CA_FILE": "key"}),
    "certificate without key": (
        "KAFKA_KEY_FILE",
        {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CERTIFICATE_FILE": "certificate"},
    ),
    "another certificate's key": (
        "KAFKA_KEY_FILE",
        {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CERTIFICATE_FILE": "certificate", "KAFKA_KEY_FILE": "other"},
    ),
    "encrypted key": (
        "KAFKA_KEY_FILE",
        {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CERTIFICATE_FILE": "certificate", "KAFKA_KEY_FILE": "encrypted"},
    ),
    "key without certificate": ("KAFKA_KEY_FILE", {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_KEY_FILE": "key"}),
    "no user": ("KAFKA_USERNAME", {**SASL, "KAFKA_USERNAME": ""}),
    "no password": ("KAFKA_PASSWORD", {**SASL, "KAFKA_PASSWORD": ""}),
    "a password with TLS alone": ("KAFKA_PASSWORD", {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_PASSWORD": "only-a-test"}),
    "a password in clear text": (
        "KAFKA_SASL_MECHANISM",
        {**SASL, "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN"},
    ),
}


def with_paths(changes: Mapping[str, str], files: Mapping[str, str]) -> dict[str, str]:
    return {name: files.get(value, value) for name, value in changes.items()}


@pytest.mark.parametrize("case", VALID)
async def test_the_library_accepts_a_valid_access(variables: pytest.MonkeyPatch, files: Mapping[str, str], case: str) -> None:
    changes = with_paths(VALID[case], files)
    assert problems(variables, changes) == []
    for name, value in changes.items():
        variables.setenv(name, value)
    AIOKafkaClient(**read_settings(ServiceSettings).kafka.options())


@pytest.mark.parametrize("case", INVALID)
def test_a_contradiction_is_named_by_its_setting(variables: pytest.MonkeyPatch, files: Mapping[str, str], case: str) -> None:
    name, changes = INVALID[case]
    (sentence,) = problems(variables, with_paths(changes, files))
    assert sentence.startswith(f"{name} ")
    assert "; expected " in sentence
    assert "only-a-test" not in sentence


@pytest.mark.parametrize("case", VALID)
def test_the_variables_of_an_access_give_the_same_access(
    monkeypatch: pytest.MonkeyPatch, files: Mapping[str, str], case: str
) -> None:
    for name, value in with_paths(VALID[case], files).items():
        monkeypatch.setenv(name, value)
    access = KafkaSettings().kafka_access("one:1,two:2")
    for name in VALID[case]:
        monkeypatch.delenv(name)
    for name, value in kafka_variables(access).items():
        monkeypatch.setenv(name, value)
    assert KafkaSettings().kafka_access("one:1,two:2") == access


def test_a_new_client_uses_renewed_certificates(files: Mapping[str, str], tmp_path: Path) -> None:
    path = tmp_path / "authorities"
    path.write_bytes(Path(files["ca"]).read_bytes())
    access = KafkaAccess("one:1", "SSL", ca_file=path)
    first = access.options()["ssl_context"].get_ca_certs()
    path.write_bytes(trustme.CA().cert_pem.bytes())
    assert access.options()["ssl_context"].get_ca_certs() != first


def test_a_password_is_not_part_of_the_representation() -> None:
    assert "only-a-test" not in repr(KafkaAccess("one:1", "SASL_SSL", username="portal", password="only-a-test"))
