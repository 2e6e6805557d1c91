"""The setting TRUSTED_PROXIES."""

import pytest
from pydantic import ValidationError

from chassis.service.settings import ServiceSettings
from support.settings import fields


def test_no_proxy_is_trusted_by_default() -> None:
    assert ServiceSettings.model_fields["trusted_proxies"].default == ""


@pytest.mark.parametrize("text", ["127.0.0.1", "10.0.0.0/8, fd00::/8", "::1"])
def test_addresses_and_networks_can_be_trusted(text: str) -> None:
    assert ServiceSettings.model_validate(fields(trusted_proxies=text)).trusted_proxies == text


@pytest.mark.parametrize("text", ["*", "proxy", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1,", " ", "0.0.0.0/0", "10.0.0.0/8,::/0"])
def test_an_invalid_value_is_refused_at_the_start_without_secrets(text: str) -> None:
    with pytest.raises(ValidationError, match="trusted_proxies") as refused:
        ServiceSettings.model_validate(fields(trusted_proxies=text))
    assert "only-a-test" not in str(refused.value)
