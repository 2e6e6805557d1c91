"""The account that the adapter uses."""

import subprocess
import sys
from uuid import uuid4

import pytest
from pydantic import SecretStr

from payments.adapters.stripe.account import StripeAccount, StripeMode


@pytest.mark.parametrize("mode", ["test", "live"])
@pytest.mark.parametrize("kind", ["rk", "sk"])
def test_an_account_has_keys_of_its_mode(mode: StripeMode, kind: str) -> None:
    account = StripeAccount(uuid4(), mode, f"pk_{mode}_abc", SecretStr(f"{kind}_{mode}_verysecret"))
    assert "verysecret" not in repr(account)


@pytest.mark.parametrize(
    ("mode", "publishable", "key"),
    [
        ("live", "pk_live_a", "rk_test_verysecret"),
        ("test", "pk_test_a", "rk_live_verysecret"),
        ("live", "pk_test_a", "rk_live_verysecret"),
        ("test", "pk_live_a", "sk_test_verysecret"),
        ("test", "pk_test_a", "pk_test_verysecret"),
        ("test", "pk_test_a", "whsec_verysecret"),
        ("test", "pk_test_a", ""),
    ],
)
def test_a_key_of_the_other_mode_or_kind_is_refused(mode: StripeMode, publishable: str, key: str) -> None:
    with pytest.raises(ValueError, match=f"not one of {mode} mode") as refused:
        StripeAccount(uuid4(), mode, publishable, SecretStr(key))
    assert "verysecret" not in str(refused.value)


def test_the_library_is_loaded_only_for_an_account() -> None:
    program = "import sys, payments.adapters.stripe.provider; sys.exit('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
