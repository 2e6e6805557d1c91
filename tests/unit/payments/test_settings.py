import pytest
from pydantic import ValidationError

from payments.settings import Settings

SET = {
    "database_url": "postgresql://payments:only-a-test@127.0.0.1/payments",
    "kafka_bootstrap_servers": "none",
    "http_port": 1,
    "service_private_key": "{}",
    "service_public_keys": "{}",
    "operator_key_sha256": "",
    "cursor_key": "only-a-test",
    "tenants_service": "subscriptions",
    "tenants_url": "http://none",
    "cards_url": "http://localhost:1",
    "cards_http_port": 1,
    "portal_origin": "http://127.0.0.1:1",
}


def test_the_sandbox_does_not_start_in_production() -> None:
    with pytest.raises(ValidationError, match="sandbox provider"):
        Settings.model_validate(SET | {"environment": "production"})
    with pytest.raises(ValidationError, match="sandbox provider") as error:
        Settings.model_validate(SET)
    assert "only-a-test" not in str(error.value)


def test_it_starts_elsewhere() -> None:
    assert Settings.model_validate(SET | {"environment": "local"}).provider == "sandbox"
