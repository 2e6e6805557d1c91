"""Logs contain no secrets."""

import pytest

from chassis.runtime.logging import redact


def logged(**event: object) -> str:
    return str(redact(None, "info", dict(event)))


@pytest.mark.parametrize(
    ("event", "secret"),
    [
        ({"authorization": "Bearer abc123"}, "abc123"),
        ({"cookie": "__Host-portal=abc123"}, "abc123"),
        ({"error": "refused: sk_test_abcdefghijklmnop"}, "abcdefghijklmnop"),
        ({"error": "refused: rk_live_abcdefghijklmnop"}, "abcdefghijklmnop"),
        ({"error": ValueError("Invalid API Key: rk_test_abcdefghijklmnop.")}, "abcdefghijklmnop"),
        ({"error": "signed with whsec_abc+def/ghi="}, "abc+def/ghi"),
        ({"body": '{"client_secret": "pi_3Abc_secret_verysecret"}'}, "verysecret"),
        ({"detail": ["seti_1_secret_verysecret"]}, "verysecret"),
        ({"url": "http://127.0.0.1/enter#id.verysecret"}, "verysecret"),
        ({"path": "/enter#0190a000-0000-7000-8000-00000000000f.verysecretverysecretverysecret"}, "verysecret"),
        ({"path": "/enter%23id.verysecret"}, "verysecret"),
        ({"path": "/enter%2523id.verysecret"}, "verysecret"),
        ({"path": "/enter?continue#id.verysecret"}, "verysecret"),
        ({"query": "u=0190a000-0000-7000-8000-00000000000f.verysecretverysecretverysecret"}, "verysecret"),
        ({"query": "u=0190a000-0000-7000-8000-00000000000f%252Everysecretverysecretverysecret"}, "verysecret"),
        ({"error": "GET /x?y=[0190a000-0000-7000-8000-00000000000f.verysecretverysecretverysecret]"}, "verysecret"),
        ({"dsn": "postgresql://payments:hunter2@127.0.0.1:5432/payments"}, "hunter2"),
        ({"detail": {"body": ["my card 4242 4242 4242 4242"]}}, "4242 4242 4242 4242"),
        ({"cvc": "123"}, "123"),
        ({"value": b"my card 4242.4242.4242.4242"}, "4242.4242"),
        ({"error": ValueError("my card 4242 4242 4242 4242")}, "4242 4242"),
    ],
)
def test_secrets_are_not_logged(event: dict[str, object], secret: str) -> None:
    assert secret not in logged(**event)


def test_other_data_is_logged() -> None:
    assert "subscription-7" in logged(stream="subscription-7", number_of_rows=3)
    assert "pi_3Abc_secret_" in logged(note="pi_3Abc_secret_verysecret")
    assert "pk_test_public" in logged(publishable="pk_test_public")
