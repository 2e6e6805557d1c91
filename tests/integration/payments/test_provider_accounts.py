"""Merchants' own accounts: encrypted, of one mode, and refused while money depends on them."""

import base64
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from integration.payments.stack import KEY_ENCRYPTION_KEY, Shop, Stack, opened, running
from pydantic import SecretStr
from structlog.testing import capture_logs

from chassis.key_encryption import Tampered, name_of
from payments.adapters.stripe.account import NoStripeAccount, StripeAccount
from payments.adapters.stripe.accounts import PostgresStripeAccounts
from payments.application.charges import Busy
from portalctl import keys_in_use
from portalctl.doctor.databases import ExaminedDatabase
from support.databases import ServiceDatabase

KEY, PUBLISHABLE, SECRET = "rk_test_51Ab9canary0restricted", "pk_test_51Ab9canary0public", "whsec_canary0of0the0endpoint"
OLD, NEW = base64.b64decode(KEY_ENCRYPTION_KEY), bytes(range(1, 33))


@pytest.fixture
async def stack(database: ServiceDatabase) -> AsyncIterator[Stack]:
    """Some of these tests read the accounts of all merchants."""
    async with running(database, workers=False) as stack:
        yield stack


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    return await opened(stack, test_clock=False)


@pytest.fixture
def accounts(stack: Stack) -> PostgresStripeAccounts:
    return PostgresStripeAccounts(stack.pool, [OLD])


def account(shop: Shop, key: str = KEY) -> StripeAccount:
    return StripeAccount(shop.merchant.id, "test", PUBLISHABLE, SecretStr(key))


async def test_no_row_contains_a_key(shop: Shop, accounts: PostgresStripeAccounts) -> None:
    stored = await accounts.store(account(shop), [SECRET])
    assert (await accounts.for_merchant(shop.merchant.id)).key.get_secret_value() == KEY
    row = await shop.stack.pool.fetchrow("SELECT * FROM stripe_account WHERE merchant_id = $1", shop.merchant.id)
    assert row is not None
    written = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in row.values())
    assert [part for part in (KEY, PUBLISHABLE, SECRET) if part.encode() in written] == []
    assert [part for part in (KEY, SECRET) if part in repr(stored)] == []


async def test_a_row_opens_only_as_itself(shop: Shop, accounts: PostgresStripeAccounts) -> None:
    await accounts.store(account(shop), [])
    await shop.stack.pool.execute("UPDATE stripe_account SET merchant_id = $1", other := uuid4())
    with pytest.raises(Tampered):
        await accounts.stored(other)


async def test_the_endpoint_stays_when_keys_are_replaced(shop: Shop, accounts: PostgresStripeAccounts) -> None:
    first = await accounts.store(account(shop), [])
    second = await accounts.store(account(shop, KEY + "2"), [SECRET, SECRET + "2"])
    assert first.endpoint == second.endpoint
    stored = await accounts.at_endpoint(first.endpoint)
    assert stored is not None
    assert (stored.account.key.get_secret_value(), stored.hook_secrets) == (KEY + "2", (SECRET, SECRET + "2"))


async def test_data_keys_are_rewrapped_with_those_of_invoicing(
    shop: Shop, accounts: PostgresStripeAccounts, database: ServiceDatabase
) -> None:
    await accounts.store(account(shop), [SECRET])
    keys, of = [base64.b64encode(key).decode() for key in (NEW, OLD)], keys_in_use.ACCOUNTS
    assert await keys_in_use.data_keys_without(database.owner_url, keys[0], of) == 1
    assert await keys_in_use.rewrap(database.owner_url, keys, of) == 1
    assert await keys_in_use.data_keys_without(database.owner_url, keys[0], of) == 0
    assert await shop.stack.pool.fetchval("SELECT wrapped_by FROM stripe_account") == name_of(NEW)
    assert (await PostgresStripeAccounts(shop.stack.pool, [NEW]).for_merchant(shop.merchant.id)) == account(shop)


async def test_a_refused_key_stops_requests_and_is_logged_once(shop: Shop, accounts: PostgresStripeAccounts) -> None:
    await accounts.store(account(shop), [])
    with capture_logs() as logs:
        await accounts.rejected(account(shop), 401)
        await accounts.rejected(account(shop), 401)
    assert [(entry["event"], entry["log_level"], entry["status"]) for entry in logs] == [("stripe.key_refused", "error", 401)]
    assert KEY not in str(logs)
    with pytest.raises(Busy):
        await accounts.for_merchant(shop.merchant.id)
    assert "1 merchants" in (await accounts.problem() or "")
    await accounts.store(account(shop), [])
    assert (await accounts.for_merchant(shop.merchant.id)) == account(shop)
    assert await accounts.problem() is None


async def test_doctor_names_the_merchant_of_a_refused_key(
    shop: Shop, accounts: PostgresStripeAccounts, database: ServiceDatabase
) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        examined = ExaminedDatabase("payments", connection)
        await accounts.store(account(shop), [])
        before = next(each for each in await examined.checks() if each.check == "provider accounts")
        await accounts.rejected(account(shop), 403)
        after = next(each for each in await examined.checks() if each.check == "provider accounts")
    finally:
        await connection.close()
    assert (before.status, after.status) == ("ok", "failed")
    assert f"{shop.merchant.id} (test mode, 403 since" in after.what


async def test_a_late_refusal_of_a_former_key_does_not_stop_the_new_one(shop: Shop, accounts: PostgresStripeAccounts) -> None:
    await accounts.store(account(shop), [])
    await accounts.store(account(shop, KEY + "2"), [])
    await accounts.rejected(account(shop), 401)
    assert (await accounts.for_merchant(shop.merchant.id)).key.get_secret_value() == KEY + "2"


async def test_another_mode_is_no_account(shop: Shop, accounts: PostgresStripeAccounts) -> None:
    await accounts.store(account(shop), [])
    with pytest.raises(NoStripeAccount):
        await accounts.for_merchant(shop.merchant.id, "live")
    with pytest.raises(NoStripeAccount):
        await accounts.for_merchant(uuid4())
