"""Certificates of listeners are checked at the start, together with their keys."""

from collections.abc import Mapping

import pytest
import trustme

from chassis.service.settings import SettingsError, read_settings
from payments.settings import Settings
from support.settings import GOOD


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    folder, authority = tmp_path_factory.mktemp("certificates"), trustme.CA()
    one, other = (authority.issue_cert(f"{name}.example") for name in ("one", "other"))
    contents = {
        "ca": authority.cert_pem.bytes(),
        "certificate": one.cert_chain_pems[0].bytes(),
        "key": one.private_key_pem.bytes(),
        "other": other.private_key_pem.bytes(),
        "both": one.private_key_and_cert_chain_pem.bytes(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: str(folder / name) for name in contents}


def read(variables: pytest.MonkeyPatch, files: Mapping[str, str], changes: Mapping[str, str]) -> Settings:
    for name, value in {**GOOD, **{name: files[file] for name, file in changes.items()}}.items():
        variables.setenv(name, value)
    return read_settings(Settings)


@pytest.mark.parametrize("listener", ["HTTP", "CARDS_HTTP"])
@pytest.mark.parametrize(
    ("certificate", "key"), [("certificate", "key"), ("both", None)], ids=["two files", "certificate and key in one file"]
)
def test_a_certificate_with_its_key_is_accepted(
    monkeypatch: pytest.MonkeyPatch, files: Mapping[str, str], listener: str, certificate: str, key: str | None
) -> None:
    settings = read(
        monkeypatch, files, {f"{listener}_CERTIFICATE_FILE": certificate} | ({f"{listener}_KEY_FILE": key} if key else {})
    )
    used = settings.http_certificate if listener == "HTTP" else settings.cards_http_certificate
    assert used is not None
    assert [*map(str, used.all)] == [files[file] for file in (certificate, key) if file]


@pytest.mark.parametrize("listener", ["HTTP", "CARDS_HTTP"])
@pytest.mark.parametrize(
    ("certificate", "key", "named"),
    [
        ("certificate", None, "KEY_FILE"),
        ("certificate", "other", "KEY_FILE"),
        (None, "key", "KEY_FILE"),
        ("key", None, "CERTIFICATE_FILE"),
        ("key", "key", "CERTIFICATE_FILE"),
    ],
    ids=["no key", "the key of another certificate", "no certificate", "a key as certificate", "a key as certificate, with key"],
)
def test_the_setting_with_the_wrong_file_is_named(
    monkeypatch: pytest.MonkeyPatch,
    files: Mapping[str, str],
    listener: str,
    certificate: str | None,
    key: str | None,
    named: str,
) -> None:
    chosen = {"CERTIFICATE_FILE": certificate, "KEY_FILE": key}
    with pytest.raises(SettingsError) as refused:
        read(monkeypatch, files, {f"{listener}_{name}": file for name, file in chosen.items() if file})
    (sentence,) = refused.value.problems
    assert sentence.startswith(f"{listener}_{named} ")


def test_a_key_is_no_authority(monkeypatch: pytest.MonkeyPatch, files: Mapping[str, str]) -> None:
    with pytest.raises(SettingsError) as refused:
        read(monkeypatch, files, {"SERVICES_CA_FILE": "key"})
    (sentence,) = refused.value.problems
    assert sentence.startswith("SERVICES_CA_FILE is ")
