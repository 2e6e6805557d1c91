import pytest
from pydantic import ValidationError

from payments.settings import Settings
from support.settings import fields


def test_the_sandbox_does_not_start_in_production() -> None:
    with pytest.raises(ValidationError, match="takes no real money"):
        Settings.model_validate(fields(environment="production"))
    with pytest.raises(ValidationError, match="takes no real money") as error:
        Settings.model_validate({name: value for name, value in fields().items() if name not in ("environment", "provider")})
    assert "only-a-test" not in str(error.value)


def test_stripe_starts_in_production() -> None:
    assert Settings.model_validate(fields(environment="production", provider="stripe", stripe_api_url="")).provider == "stripe"


def test_stripe_needs_a_key_for_the_accounts() -> None:
    with pytest.raises(ValidationError, match="KEY_ENCRYPTION_KEY is not set"):
        Settings.model_validate(fields(provider="stripe", key_encryption_key=""))
    assert Settings.model_validate(fields(key_encryption_key="")).key_encryption_keys == ()


def test_another_server_than_stripe_is_for_tests_only() -> None:
    elsewhere = fields(provider="stripe", stripe_api_url="http://127.0.0.1:12111")
    assert Settings.model_validate(elsewhere).stripe_api_url == "http://127.0.0.1:12111"
    with pytest.raises(ValidationError, match="is not used in production"):
        Settings.model_validate(elsewhere | {"environment": "production"})


def test_it_starts_elsewhere() -> None:
    assert Settings.model_validate(fields(environment="local")).provider == "sandbox"
