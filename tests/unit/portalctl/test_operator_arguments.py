"""A wrong argument of an operators' command is one message that names what is expected, with exit code 2."""

import json
import re
from pathlib import Path

import pytest

from portalctl.rebuild.targets import TARGETS, target_of
from support.portalctl_command import portalctl
from verify.consumers import SERVICE_CONSUMERS

WRONG = {
    ("quarantine", "list", "gateway"): "portal-gateway",
    ("quarantine", "retry", "payments", "0"): "greater than or equal to 1",
    ("quarantine", "discard", "payments", "first"): "integer",
    ("quarantine", "skip", "payments", "billing.invoicing", "first", "0"): "integer",
    ("rebuild", "nothing"): "portal-gateway.subscription",
    ("rebuild", "subscription"): "payments.subscription",
    ("rebuild", "portal-gateway.subscription; DROP TABLE x"): "portal-gateway.view",
    ("rebuild",): "name a projection, or use --due",
    ("rebuild", "--due", "portal-gateway.view"): "name a projection, or use --due",
    ("events", "tail", "--type", "Nothing"): "PaymentSucceeded",
    ("events", "tail", "--topic", "billing.nothing"): "billing.payments",
    ("events", "tail", "--since", "yesterday"): "10m",
    ("events", "tail", "--since", "-5m"): "10m",
    ("events", "tail", "--merchant", "techsolutions"): "UUID",
    ("events", "tail", "--limit", "-1"): "greater than or equal to 0",
    ("streams", "show", "customer-0190a000-0000-7000-8000-000000000000"): "subscription",
    ("streams", "show", "invoice-1"): "<kind>-<uuid>",
    ("streams", "show", "invoice-0190A000-0000-7000-8000-000000000000"): "<kind>-<uuid>",
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_argument_is_refused_with_the_expected_one(words: tuple[str, ...], tmp_path: Path) -> None:
    ended = portalctl("--folder", str(tmp_path / "none"), *words, env={"COLUMNS": "1000", "TERM": "dumb"})
    assert ended.exit_code == 2
    text = re.sub(r"[\s│]+", " ", ended.stderr)
    assert WRONG[words] in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    "words", [("rebuild", "payments.merchant"), ("rebuild", "--due"), ("doctor",), ("events", "tail"), ("verify",)]
)
def test_without_servers_the_settings_are_named(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    ended = portalctl("--folder", str(tmp_path / "none"), *words)
    assert ended.exit_code == 1
    assert "KAFKA_BOOTSTRAP_SERVERS" in ended.stderr
    assert ended.stderr.startswith("portalctl: no stack was started here")


def test_kafka_users_are_changed_only_after_a_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    monkeypatch.setenv("PORTAL_DEADLINE_SECONDS", "5")
    refused = portalctl("--folder", str(tmp_path / "own"), "topics", "users", confirm="n\n")
    assert refused.exit_code == 1
    assert "Set the passwords of subscriptions, payments, invoicing, portal-gateway on 127.0.0.1:9? [y/N]" in refused.stderr
    agreed = portalctl("--folder", str(tmp_path / "own"), "topics", "users", "--yes")
    assert agreed.exit_code == 1
    assert agreed.stderr.startswith("portalctl: ")


def test_certificates_are_listed_for_programs(tmp_path: Path) -> None:
    urls = ["--portal-url=https://portal.example", "--cards-url=https://cards.example"]
    words = ["--folder", str(tmp_path / "own"), "certificates", str(tmp_path / "files"), *urls, "--json"]
    written = json.loads(portalctl(*words).stdout)
    assert str(tmp_path / "files" / "payments" / "tls.pem") in written
    assert all(Path(file).is_file() for file in written)
    assert json.loads(portalctl(*words).stdout) == []


def test_every_projection_of_a_consumer_can_be_rebuilt() -> None:
    names = {
        f"{service.database.replace('_', '-')}.{projection.name}"
        for service in SERVICE_CONSUMERS
        for projection in service.consumer.projections
    }
    assert names | {"subscriptions.merchant", "portal-gateway.view"} == set(TARGETS)
    assert all(target_of(name).name == name for name in TARGETS)
    assert all(re.fullmatch(r"rebuild_[a-z_]+", target.schema) for target in TARGETS.values())
