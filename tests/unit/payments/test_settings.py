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


def test_it_starts_elsewhere() -> None:
    assert Settings.model_validate(fields(environment="local")).provider == "sandbox"
