"""`portalctl keys`: the steps of a rotation, their order, and the files that they change."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from portalctl import key_rotation, keys_cli
from portalctl.local.folder import Folder, read_json
from portalctl.local.keys import Keys, load_or_create_keys
from portalctl.local.locks import held
from support import portalctl_command

SERVICES = ("subscriptions", "payments", "invoicing", "portal-gateway")
NAMES = ("operator-key", "cursor-key", "link-pepper", "key-encryption-key", *(f"service-key/{name}" for name in SERVICES))
WITHOUT_DATABASE = tuple(name for name in NAMES if name not in ("link-pepper", "key-encryption-key"))
SETTING = {
    "operator-key": "OPERATOR_KEY_SHA256",
    "cursor-key": "CURSOR_KEY",
    "link-pepper": "LINK_PEPPER",
    "key-encryption-key": "KEY_ENCRYPTION_KEY",
}
READER = {"link-pepper": "portal-gateway", "key-encryption-key": "invoicing"}
AT = "2026-01-10T15:00:00+00:00"


class Deployment:
    """Secrets in files, as for compose. Nothing runs."""

    def __init__(self, root: Path) -> None:
        self.folder, self.files = Folder(root / "state"), root / "files"

    def portalctl(self, *words: str, confirm: str = "") -> Result:
        return portalctl_command.portalctl("--folder", str(self.folder.root), *words, confirm=confirm)

    def keys(self, *words: str) -> list[dict[str, Any]]:
        ended = self.portalctl("keys", *words, "--yes", "--json")
        assert ended.exit_code == 0, ended.stderr
        described: list[dict[str, Any]] = json.loads(ended.stdout)["keys"]
        return described

    @property
    def contents(self) -> dict[str, str]:
        written = {path.relative_to(self.files).as_posix(): path.read_text() for path in self.files.rglob("*") if path.is_file()}
        return {**written, "secrets.json": self.folder.secrets.read_text()}

    def values(self, name: str) -> list[str]:
        """What services accept, as their files have it, the first one first."""
        if name.startswith("service-key/"):
            service = name.removeprefix("service-key/")
            public = json.loads((self.files / "payments/SERVICE_PUBLIC_KEYS").read_text())["keys"]
            signing = json.loads((self.files / service / "SERVICE_PRIVATE_KEY").read_text())["kid"]
            kids = [str(key["kid"]) for key in public if key["kid"].startswith(f"{service}/")]
            return sorted(kids, key=lambda kid: kid != signing)
        return (self.files / READER.get(name, "payments") / SETTING[name]).read_text().split(",")


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    for wait in ("_FILES_SECONDS", "_CALL_SECONDS"):
        monkeypatch.setattr(keys_cli, wait, 0.0)
    deployment = Deployment(tmp_path)
    assert deployment.portalctl("secrets", str(deployment.files)).exit_code == 0
    return deployment


@pytest.mark.parametrize("name", NAMES)
def test_the_new_key_is_accepted_then_used_and_the_old_one_stays_valid(deployment: Deployment, name: str) -> None:
    [old] = deployment.values(name)
    deployment.keys("new", name)
    first, new = deployment.values(name)
    assert first == old
    deployment.keys("rotate", name)
    assert deployment.values(name) == [new, old]


@pytest.mark.parametrize("name", WITHOUT_DATABASE)
def test_retire_leaves_the_new_key_alone(deployment: Deployment, name: str) -> None:
    for step in ("new", "rotate"):
        deployment.keys(step, name)
    new, _ = deployment.values(name)
    [described] = deployment.keys("retire", name)
    assert deployment.values(name) == [new]
    assert (described["state"], described["next"], len(described["ids"])) == ("one", "new", 1)


def test_other_keys_stay_as_they_are(deployment: Deployment) -> None:
    before = deployment.contents
    deployment.keys("new", "cursor-key")
    changed = {name for name, content in deployment.contents.items() if before[name] != content}
    assert changed == {"secrets.json", *(f"{service}/CURSOR_KEY" for service in SERVICES)}


def test_the_operators_file_has_the_key_in_use(deployment: Deployment) -> None:
    for step in ("new", "rotate", "retire"):
        deployment.keys(step, "operator-key")
        key = (deployment.files / "portalctl/OPERATOR_KEY").read_text()
        assert deployment.values("operator-key")[0] == hashlib.sha256(key.encode()).hexdigest()


def test_keys_of_a_service_are_numbered(deployment: Deployment) -> None:
    name = "service-key/payments"
    for number in (1, 2):
        deployment.keys("new", name)
        assert deployment.values(name) == [f"payments/{number}", f"payments/{number + 1}"]
        deployment.keys("rotate", name)
        deployment.keys("retire", name)


def test_the_first_key_may_have_the_name_of_its_service() -> None:
    keys = key_rotation.new(Keys(services={"payments": {"kid": "payments"}}), "service-key/payments", AT)
    assert [value["kid"] for value in keys.live("service-key/payments")] == ["payments", "payments/2"]


@pytest.mark.parametrize(
    ("steps", "refused", "sentence"),
    [
        ((), "rotate", "cursor-key has no new key: `portalctl keys new cursor-key` adds one"),
        ((), "retire", "cursor-key has no new key: `portalctl keys new cursor-key` adds one"),
        (("new",), "new", "cursor-key has a new key that is not in use: `portalctl keys rotate cursor-key` uses it"),
        (("new",), "retire", "cursor-key has a new key that is not in use: `portalctl keys rotate cursor-key` uses it"),
        (("new", "rotate"), "new", "cursor-key uses its new key: `portalctl keys retire cursor-key` removes the old one"),
        (("new", "rotate"), "rotate", "cursor-key uses its new key: `portalctl keys retire cursor-key` removes the old one"),
    ],
)
def test_a_step_out_of_order_is_one_sentence_and_changes_nothing(
    deployment: Deployment, steps: tuple[str, ...], refused: str, sentence: str
) -> None:
    for step in steps:
        deployment.keys(step, "cursor-key")
    before = deployment.contents
    ended = deployment.portalctl("keys", refused, "cursor-key", "service-key/payments", "--yes")
    assert ended.exit_code == 2
    assert f"portalctl: {sentence}" in ended.stderr.splitlines()
    assert deployment.contents == before


def test_an_unknown_name_is_refused_with_the_known_ones(deployment: Deployment) -> None:
    before = deployment.contents
    ended = deployment.portalctl("keys", "new", "cursor", "cursor-key", "--yes")
    assert (ended.exit_code, deployment.contents) == (2, before)
    assert ended.stderr == f"portalctl: the key 'cursor' is unknown; expected {', '.join(NAMES)} or all\n"


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_nothing_changes_without_confirmation(deployment: Deployment, answer: str) -> None:
    before = deployment.contents
    ended = deployment.portalctl("keys", "new", "all", "--json", confirm=answer)
    assert (ended.exit_code, ended.stdout.strip(), deployment.contents) == (1, answer.strip(), before)


def test_all_are_changed_together(deployment: Deployment) -> None:
    assert [key["name"] for key in deployment.keys("new", "all")] == list(NAMES)
    assert {len(deployment.values(name)) for name in NAMES} == {2}


def test_the_list_shows_ids_and_no_secret(deployment: Deployment) -> None:
    deployment.keys("new", "all")
    secrets = [value for name, value in deployment.contents.items() if name != "secrets.json" and "PUBLIC" not in name]
    for words in (("keys", "list"), ("keys", "list", "--json")):
        shown = deployment.portalctl(*words).stdout
        assert [line for line in NAMES if line not in shown] == []
        assert not [part for secret in secrets for part in secret.split(",") if part in shown]
    assert "payments/1,payments/2" in deployment.portalctl("keys", "list").stdout


def test_a_folder_that_cannot_be_written_is_named_and_nothing_changes(deployment: Deployment) -> None:
    before = deployment.folder.secrets.read_text()
    (deployment.files / "payments").rename(deployment.files / "elsewhere")
    ended = deployment.portalctl("keys", "new", "cursor-key", "--yes")
    assert ended.exit_code == 1
    assert ended.stderr.startswith(f"portalctl: {deployment.files / 'payments'} cannot be written")
    assert deployment.folder.secrets.read_text() == before


def test_the_next_command_writes_what_an_interrupted_one_has_only_stored(deployment: Deployment) -> None:
    keys = key_rotation.stepped(Keys.stored_in(deployment.folder), "new", ["cursor-key"], AT)
    keys.store(deployment.folder)
    assert len(deployment.values("cursor-key")) == 1
    deployment.keys("new", "service-key/payments")
    assert deployment.values("cursor-key") == keys.live("cursor-key")


def test_one_command_changes_keys_at_a_time(deployment: Deployment) -> None:
    before = deployment.contents
    with held(deployment.folder.root / "keys.lock"):
        ended = deployment.portalctl("keys", "new", "cursor-key", "--yes")
    assert (ended.exit_code, deployment.contents) == (1, before)


def test_a_folder_without_keys_says_what_creates_them(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.make()
    ended = portalctl_command.portalctl("--folder", str(tmp_path), "keys", "list")
    assert ended.exit_code == 1
    assert "`portalctl secrets`" in ended.stderr


def test_secrets_and_starts_keep_both_keys(deployment: Deployment) -> None:
    deployment.keys("new", "all")
    before = deployment.contents
    assert deployment.portalctl("secrets", str(deployment.files)).exit_code == 0
    assert deployment.contents == before


def test_the_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.make()
    load_or_create_keys(folder, ["payments"], ["payments"])
    old = {name: value for name, value in read_json(folder.secrets).items() if name not in ("others", "files")}
    folder.secrets.write_text(json.dumps(old))
    keys = load_or_create_keys(folder, ["payments"], ["payments"])
    assert {name: getattr(keys, name) for name in old} == old
    assert keys.live("cursor-key") == [old["cursor_key"]]
