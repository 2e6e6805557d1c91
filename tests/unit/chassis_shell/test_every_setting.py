"""Every setting of every service has a type and bounds. All invalid ones are named together, in one sentence each."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from joserfc.jwk import OKPKey

from chassis.service.settings import ServiceSettings, SettingsError, read_settings
from portalctl.service_settings import SETTINGS
from support.settings import GOOD, MAY_BE_EMPTY, WRONG_KAFKA_SECURITY

CANARY = "canary-that-may-not-be-shown"
KEY = OKPKey.generate_key("Ed25519", {"kid": "a"})
JWK: Mapping[str, Any] = KEY.as_dict(private=True)
PUBLIC: Mapping[str, Any] = KEY.as_dict(private=False)
OTHER: Mapping[str, Any] = OKPKey.generate_key("Ed25519", {"kid": "b"}).as_dict(private=False)

NUMBERS = ("x", "-1", "1e999", "99999999", "nan", CANARY)
SECONDS = (*NUMBERS, "inf", "-inf", "-0.1")
NAMES = ("-", " a", "a b", "a/b", "ñ", "a" * 64, "a\n")
HTTP = (
    "nonsense",
    "ftp://host",
    "//host",
    "http://",
    "http://:80",
    "http://host:0",
    "http://host:65536",
    "http://host:x",
    "http://user:password@host",
    "http://one,two",
    "http://ho st",
    "http://host/#part",
    "http://host/?a=b",
    "http://[::1",
    "http://300.1.1.1",
    "http://host\n",
)
ORIGINS = (*HTTP, "https://host/path", "https://host?")[:-1]
POSTGRES = (
    "nonsense",
    CANARY,
    "mysql://user:password@host/database",
    "postgresql://",
    "postgresql://user:password@/database",
    "postgresql://user:password@host",
    "postgresql://user:password@host/",
    "postgresql://host/database",
    "postgresql://:password@host/database",
    "postgresql://user:password@host:0/database",
    "postgresql://user:password@host:five/database",
    "postgresql://user:password@host:1:2/database",
    "postgresql://user:pass#word@host/database",
    "postgresql://user:pass word@host/database",
    "postgresql://user:password@host/database\n",
    "postgresql://user:password@host/database?sslmode",
    "postgresql://user:password@host/database?sslmode=sometimes",
    "postgresql://user:password@one,,two/database",
)
FILES = ("/no/such/file", __file__)
SECRETS = {"short": "x" * 31, "control": "x" * 40 + "\n"}

WRONG: Mapping[str, tuple[str, ...]] = {
    "DATABASE_URL": POSTGRES,
    "DATABASE_OWNER_URL": POSTGRES,
    "DATABASE_CONNECTIONS": (*NUMBERS, "1", "501", "2.5"),
    "KAFKA_BOOTSTRAP_SERVERS": (
        "broker",
        "broker:",
        ":9092",
        "broker:0",
        "broker:65536",
        "broker:x",
        "one:1,",
        "one:1,,two:2",
        "one:1 two:2",
        "kafka://one:1",
        "1.2.3:9092",
        "[::1]",
        "[host]:1",
        "::1:9092",
    ),
    **WRONG_KAFKA_SECURITY,
    "HTTP_HOST": ("a b", "http://host", "host:80", "[::]", "1.2.3.4.5", "99999999", "*"),
    "HTTP_PORT": (*NUMBERS, "0", "65536", "80.5"),
    "HTTP_CERTIFICATE_FILE": FILES,
    "HTTP_KEY_FILE": FILES,
    "ADMIN_HOST": ("a b", "http://host", "host:80", "[::]", "1.2.3.4.5", "99999999", "*"),
    "ADMIN_PORT": (*NUMBERS, "65536", "80.5"),
    "HTTP_HEAD_BYTES": (*NUMBERS, "0", "1023", "1048577"),
    "HTTP_HEAD_SECONDS": (*SECONDS, "0", "3601"),
    "HTTP_BODY_SECONDS": (*SECONDS, "0", "3601"),
    "HTTP_IDLE_SECONDS": (*SECONDS, "0", "3601"),
    "HTTP_STALL_SECONDS": (*SECONDS, "0", "3601"),
    "HTTP_CONNECTIONS": (*NUMBERS, "0", "1000001"),
    "HTTP_CONNECTIONS_PER_ADDRESS": (*NUMBERS, "0", "1000001"),
    "TRUSTED_PROXIES": ("*", "proxy", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1,", " ", "0.0.0.0/0", "10.0.0.0/8,::/0"),
    "INSTANCE": NAMES,
    "ENVIRONMENT": ("test", "Local", " local"),
    "LOG_LEVEL": ("trace", "INFO", "10"),
    "LOG_FORMAT": ("text", "JSON"),
    "OTLP_ENDPOINT": HTTP,
    "SHUTDOWN_SECONDS": (*SECONDS, "0", "4.9", "3601"),
    "SERVICE_PRIVATE_KEY": (
        CANARY,
        "{}",
        "[]",
        "null",
        "[" * 100_000,
        json.dumps(PUBLIC),
        json.dumps({**JWK, "kty": "RSA"}),
        json.dumps({**JWK, "crv": "X25519"}),
        json.dumps({**JWK, "d": "AA"}),
        json.dumps({**JWK, "d": 5}),
        json.dumps({**JWK, "x": OTHER["x"]}),
        json.dumps({name: value for name, value in JWK.items() if name != "x"}),
    ),
    "SERVICE_PUBLIC_KEYS": (
        CANARY,
        "{}",
        "[]",
        '{"keys": []}',
        '{"keys": {}}',
        '{"keys": [5]}',
        json.dumps(PUBLIC),
        json.dumps({"keys": [JWK]}),
        json.dumps({"keys": [PUBLIC, PUBLIC]}),
        json.dumps({"keys": [{**PUBLIC, "x": "AA"}]}),
        json.dumps({"keys": [{name: value for name, value in PUBLIC.items() if name != "kid"}]}),
    ),
    "OPERATOR_KEY_SHA256": (
        CANARY,
        "0" * 63,
        "0" * 65,
        "g" * 64,
        "0" * 64 + "\n",
        f"{'0' * 64},{CANARY}",
        f"{'0' * 64},{'0' * 64}",
    ),
    "CURSOR_KEY": (*SECRETS.values(), f"{'x' * 32},{CANARY}", f"{'x' * 32},", f"{'x' * 32},{'x' * 32}"),
    "TENANTS_SERVICE": NAMES,
    "TENANTS_URL": HTTP,
    "SERVICES_CA_FILE": FILES,
    "TEST_CLOCK_PATIENCE_SECONDS": (*SECONDS, "301"),
    "CARDS_URL": (*ORIGINS, "http://cards.example", "http://127.0.0.1.nip.example"),
    "CARDS_HTTP_PORT": (*NUMBERS, "0", "65536", GOOD["HTTP_PORT"]),
    "CARDS_HTTP_HOST": ("a b", "http://host", "host:80", "[::]", "1.2.3.4.5", "99999999", "*"),
    "CARDS_HTTP_CERTIFICATE_FILE": FILES,
    "CARDS_HTTP_KEY_FILE": FILES,
    "PORTAL_ORIGIN": ORIGINS,
    "STRIPE_JS_URL": (*HTTP, "https://js.example/stripe.js?v=1"),
    "PROVIDER": ("adyen", "Sandbox", "Stripe"),
    "STRIPE_API_URL": HTTP,
    "PROVIDER_SECONDS": (*SECONDS, "0", "61"),
    "FIRST_CHECK_SECONDS": (*SECONDS, "0", "301"),
    "KEY_ENCRYPTION_KEY": (CANARY, "AAAA", "é" * 44, "A" * 43, "not base64!", f"{'A' * 43}=,", f"{'A' * 43}=,{'A' * 43}="),
    "PDF_CONCURRENCY": (*NUMBERS, "0", "65"),
    "PUBLIC_URL": (*ORIGINS, "http://portal.example", "http://10.0.0.7:8000"),
    "SUBSCRIPTIONS_URL": HTTP,
    "PAYMENTS_URL": HTTP,
    "INVOICING_URL": HTTP,
    "STREAMS_PER_SESSION": (*NUMBERS, "0", "101"),
    "LINK_PEPPER": ("x" * 31, f"{'x' * 32},{CANARY}", f"{'x' * 32},"),
}
RIGHT: Mapping[str, tuple[str, ...]] = {
    "DATABASE_URL": (
        "postgres://u:p@h/d",
        "postgresql://u:p%23%40@h1:1,[::1]:2/d?sslmode=verify-full&target_session_attrs=read-write",
        "postgresql://u:p@/d?host=/run/postgresql",
    ),
    "KAFKA_BOOTSTRAP_SERVERS": ("a:1,b:2,c:3", "a:1, b:2", "[::1]:9092", "10.0.0.7:9092", "kafka_1.svc.cluster.local:9092"),
    "HTTP_HOST": ("0.0.0.0", "::", "localhost", "pod-0.svc"),
    "ADMIN_PORT": ("0", "9100"),
    "TRUSTED_PROXIES": ("", "10.0.0.0/8, fd00::/8", "::1"),
    "OTLP_ENDPOINT": ("", "https://collector.example/otlp"),
    "OPERATOR_KEY_SHA256": ("AB" * 32,),
    "ENVIRONMENT": ("local", "staging"),
    "SHUTDOWN_SECONDS": ("5", "15.5"),
    "PUBLIC_URL": ("https://p.example/", "http://[::1]:8000"),
    "STRIPE_JS_URL": ("http://127.0.0.1:9000/stripe.js",),
}
FIELDS = [(service, name.upper()) for service, kind in SETTINGS.items() for name in kind.model_fields]


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def problems(kind: type[ServiceSettings], *needed: str) -> list[str]:
    try:
        read_settings(kind, *needed)
    except SettingsError as error:
        return error.problems
    return []


def test_the_table_lists_every_setting() -> None:
    assert {name for _, name in FIELDS} == WRONG.keys() == GOOD.keys()


COMPARED = {
    *("KAFKA_USERNAME", "KAFKA_PASSWORD", "KAFKA_CERTIFICATE_FILE", "KAFKA_KEY_FILE", "HTTP_KEY_FILE", "CARDS_HTTP_KEY_FILE"),
    *("PROVIDER", "ENVIRONMENT", "CARDS_HTTP_PORT", "FIRST_CHECK_SECONDS"),
}
"""Settings with values that are wrong only beside valid values of others."""


def rounds(service: str) -> Iterator[dict[str, str]]:
    """Wrong values that are given together. Reading the settings takes 15 ms, so each round has one value of every setting."""
    names = [name for of, name in FIELDS if of == service]
    may_be_empty = MAY_BE_EMPTY | ({"KEY_ENCRYPTION_KEY"} if service == "payments" else set())
    wrong = {name: WRONG[name] + (() if name in may_be_empty else ("", " ")) for name in names}
    yield from ({name: value} for name in names if name in COMPARED for value in wrong[name])
    together = {name: values for name, values in wrong.items() if name not in COMPARED}
    for turn in range(max(len(values) for values in together.values())):
        yield {name: values[turn % len(values)] for name, values in together.items()}


@pytest.mark.parametrize("service", SETTINGS)
def test_an_invalid_value_is_one_sentence_with_variable_and_expectation(variables: pytest.MonkeyPatch, service: str) -> None:
    for values in rounds(service):
        with variables.context() as changed:
            for name, value in values.items():
                changed.setenv(name, value)
            sentences = problems(SETTINGS[service])
        assert [sentence.split()[0] for sentence in sentences] == list(values), values
        for sentence in sentences:
            fault, _, expected = sentence.partition("; expected ")
            assert fault
            assert expected
            assert "\n" not in sentence
            assert "password" not in re.sub("user:password@host:5432|user name or password|a password with", "", sentence)


@pytest.mark.parametrize("service", SETTINGS)
def test_a_secret_is_never_shown(variables: pytest.MonkeyPatch, service: str) -> None:
    hidden = ("KEY", "PASSWORD", "SHA256", "PEPPER", "DATABASE_URL", "DATABASE_OWNER_URL")
    names = [name for of, name in FIELDS if of == service]
    secrets = [name for name in names if any(part in name for part in hidden)]
    for tried, value in ((secrets, CANARY), (names, f"postgresql://user:{CANARY}@"), (names, f"http://user:{CANARY}@host/path")):
        for name in tried:
            variables.setenv(name, value)
        assert CANARY not in " ".join(problems(SETTINGS[service]))


@pytest.mark.parametrize("service", SETTINGS)
def test_absent_settings_are_named_unless_they_have_a_default(variables: pytest.MonkeyPatch, service: str) -> None:
    fields = {name.upper(): field for name, field in SETTINGS[service].model_fields.items()}
    for name in fields.keys() - {"ENVIRONMENT"}:
        variables.delenv(name)
    required = [name for name, field in fields.items() if field.is_required()]
    sentences = problems(SETTINGS[service])
    assert [sentence.partition("; expected ")[0] for sentence in sentences] == [f"{name} is not set" for name in required]


@pytest.mark.parametrize("service", SETTINGS)
def test_settings_without_a_default_are_enough(variables: pytest.MonkeyPatch, service: str) -> None:
    """The sandbox provider is for local environments only, so it has no default outside of them."""
    for name, field in SETTINGS[service].model_fields.items():
        if not field.is_required() and name != "environment":
            variables.delenv(name.upper())
    assert problems(SETTINGS[service]) == []
    variables.delenv("ENVIRONMENT")
    refused = [sentence.partition(",")[0] for sentence in problems(SETTINGS[service])]
    assert refused == (["PROVIDER is 'sandbox'"] if service == "payments" else [])


def test_a_missing_setting_of_migrate_is_named(variables: pytest.MonkeyPatch) -> None:
    variables.delenv("DATABASE_OWNER_URL")
    variables.delenv("HTTP_PORT")
    sentences = problems(ServiceSettings, "database_owner_url")
    assert [sentence.split()[0] for sentence in sentences] == ["HTTP_PORT", "DATABASE_OWNER_URL"]


@pytest.mark.parametrize("service", SETTINGS)
def test_all_invalid_settings_are_named_together(variables: pytest.MonkeyPatch, service: str) -> None:
    for name in GOOD:
        variables.setenv(name, WRONG[name][0])
    sentences = problems(SETTINGS[service])
    assert [sentence.split()[0] for sentence in sentences] == [name.upper() for name in SETTINGS[service].model_fields]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in RIGHT.items() for value in values])
def test_valid_settings_are_accepted(variables: pytest.MonkeyPatch, name: str, value: str) -> None:
    variables.setenv(name, value)
    for service, kind in SETTINGS.items():
        if name.lower() in kind.model_fields:
            assert problems(kind) == [], service
