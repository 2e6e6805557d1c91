"""Valid settings of every service, for tests that make one of them invalid."""

import base64
import json
from collections.abc import Mapping

from joserfc.jwk import OKPKey

_KEY = OKPKey.generate_key("Ed25519", {"kid": "portal-gateway"})

GOOD: Mapping[str, str] = {
    "DATABASE_URL": "postgresql://service:only-a-test@127.0.0.1:1/service",
    "DATABASE_OWNER_URL": "postgresql://owner:only-a-test@127.0.0.1:1/service",
    "DATABASE_CONNECTIONS": "10",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
    "KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
    "KAFKA_USERNAME": "",
    "KAFKA_PASSWORD": "",
    "KAFKA_CA_FILE": "",
    "KAFKA_CERTIFICATE_FILE": "",
    "KAFKA_KEY_FILE": "",
    "HTTP_HOST": "127.0.0.1",
    "HTTP_PORT": "20999",
    "HTTP_CERTIFICATE_FILE": "",
    "HTTP_KEY_FILE": "",
    "ADMIN_HOST": "127.0.0.1",
    "ADMIN_PORT": "0",
    "HTTP_HEAD_BYTES": "32768",
    "HTTP_HEAD_SECONDS": "10",
    "HTTP_BODY_SECONDS": "30",
    "HTTP_IDLE_SECONDS": "75",
    "HTTP_STALL_SECONDS": "30",
    "HTTP_CONNECTIONS": "1000",
    "HTTP_CONNECTIONS_PER_ADDRESS": "256",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "INSTANCE": "0",
    "ENVIRONMENT": "local",
    "LOG_LEVEL": "info",
    "LOG_FORMAT": "json",
    "OTLP_ENDPOINT": "http://collector:4318",
    "SHUTDOWN_SECONDS": "15",
    "SERVICE_PRIVATE_KEY": json.dumps(_KEY.as_dict(private=True)),
    "SERVICE_PUBLIC_KEYS": json.dumps({"keys": [_KEY.as_dict(private=False)]}),
    "OPERATOR_KEY_SHA256": "0" * 64,
    "CURSOR_KEY": "a cursor key that is used in tests only",
    "TENANTS_SERVICE": "subscriptions",
    "TENANTS_URL": "http://127.0.0.1:1",
    "SERVICES_CA_FILE": "",
    "TEST_CLOCK_PATIENCE_SECONDS": "25",
    "CARDS_URL": "https://cards.example",
    "CARDS_HTTP_PORT": "20998",
    "CARDS_HTTP_HOST": "localhost",
    "CARDS_HTTP_CERTIFICATE_FILE": "",
    "CARDS_HTTP_KEY_FILE": "",
    "PORTAL_ORIGIN": "https://portal.example",
    "STRIPE_JS_URL": "https://js.stripe.com/dahlia/stripe.js",
    "PROVIDER": "sandbox",
    "STRIPE_API_URL": "",
    "PROVIDER_SECONDS": "5",
    "FIRST_CHECK_SECONDS": "1",
    "KEY_ENCRYPTION_KEY": base64.b64encode(bytes(range(32))).decode(),
    "PDF_CONCURRENCY": "2",
    "PUBLIC_URL": "https://portal.example",
    "SUBSCRIPTIONS_URL": "http://127.0.0.1:1",
    "PAYMENTS_URL": "http://127.0.0.1:1",
    "INVOICING_URL": "http://127.0.0.1:1",
    "STREAMS_PER_SESSION": "8",
    "LINK_PEPPER": "a pepper that is used in tests only",
}
"""Every variable of every service."""

MAY_BE_EMPTY = {
    *("TRUSTED_PROXIES", "OTLP_ENDPOINT", "STRIPE_API_URL"),
    *("HTTP_CERTIFICATE_FILE", "HTTP_KEY_FILE", "CARDS_HTTP_CERTIFICATE_FILE", "CARDS_HTTP_KEY_FILE", "SERVICES_CA_FILE"),
    *("KAFKA_USERNAME", "KAFKA_PASSWORD", "KAFKA_CA_FILE", "KAFKA_CERTIFICATE_FILE", "KAFKA_KEY_FILE"),
}
"""Settings for which an empty value is valid, those of Kafka with PLAINTEXT."""

WRONG_KAFKA_SECURITY: Mapping[str, tuple[str, ...]] = {
    "KAFKA_SECURITY_PROTOCOL": ("TLS", "sasl_ssl", " SSL"),
    "KAFKA_SASL_MECHANISM": ("SCRAM", "OAUTHBEARER", "plain"),
    "KAFKA_USERNAME": ("u" * 256, "user"),
    "KAFKA_PASSWORD": ("p" * 256, "canary-that-may-not-be-shown"),
    "KAFKA_CA_FILE": ("/no/such/file", __file__),
    "KAFKA_CERTIFICATE_FILE": ("/no/such/file", __file__),
    "KAFKA_KEY_FILE": ("/no/such/file", __file__),
}
"""Invalid values with PLAINTEXT. The first one of each is invalid with every protocol."""


def fields(**changes: str) -> dict[str, str]:
    """Settings by field name."""
    return {name.lower(): value for name, value in GOOD.items()} | changes
