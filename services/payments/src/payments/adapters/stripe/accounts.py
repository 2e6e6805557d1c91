"""The table `stripe_account`: merchants' own accounts, with keys and webhook secrets encrypted."""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg
import structlog
from prometheus_client import Counter
from pydantic import SecretStr

from chassis.key_encryption import KeyEncryption, new_data_key, seal, unseal
from payments.adapters.stripe.account import NoStripeAccount, StripeAccount, StripeMode
from payments.application.charges import Busy
from payments.application.provider_accounts import AccountsDisabled, ChargesRunning, MethodsInUse
from payments.application.reactions import ENDED
from payments.domain.shapes import STRIPE

REFUSED_KEYS = Counter("provider_key_refusals", "Keys of merchants' accounts that the provider has refused", ["status"])
for _status in ("401", "403"):
    REFUSED_KEYS.labels(_status)  # exported as 0 from the start, so that the first increment is visible as a rise

_RUNNING = """
SELECT EXISTS (SELECT FROM attempt WHERE merchant_id = $1 AND provider = $2 AND status IN ('open', 'unknown'))
    OR EXISTS (
        SELECT FROM refund JOIN attempt USING (merchant_id, charge_id)
        WHERE merchant_id = $1 AND refund.status = 'requested' AND provider = $2
    )
    OR EXISTS ( -- a refund that is not requested yet, as in charge_queue
        SELECT FROM collection AS voided JOIN attempt ON attempt.merchant_id = voided.merchant_id AND charge_id = paid_charge
        WHERE voided.merchant_id = $1 AND state = 'void' AND refunded_at IS NULL AND provider = $2
        AND NOT EXISTS (SELECT FROM refund WHERE merchant_id = $1 AND refund_id = paid_charge)
        AND voided.amount_minor > (
            SELECT coalesce(sum(amount_minor), 0) FROM refund
            WHERE merchant_id = $1 AND invoice_id = voided.invoice_id AND status <> 'failed'
        )
    )
"""
_IN_USE = """
SELECT EXISTS (
    SELECT FROM payment_method AS method JOIN projection AS subscription USING (merchant_id, customer_id)
    WHERE merchant_id = $1 AND (is_default OR is_backup) AND removed_at IS NULL AND provider = $2
      AND subscription.name = 'subscription' AND NOT subscription.doc ->> 'status' = ANY($3)
)
"""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account, its webhooks' endpoint and its state."""

    account: StripeAccount
    endpoint: UUID
    hook_secrets: tuple[str, ...] = field(repr=False)
    state: str
    """`connected`, or `refused` after the provider has refused the key."""
    refused_status: int | None
    refused_at: datetime | None
    connected_at: datetime
    caught_up_to: datetime


class PostgresStripeAccounts:
    """Accounts of merchants. A merchant has one at most: of live mode, or of test mode for a sandbox merchant."""

    def __init__(self, pool: asyncpg.Pool, keys: Sequence[bytes]) -> None:
        """`keys`: key-encryption keys of 32 bytes. The first one wraps, all of them unwrap. None: nothing can be stored."""
        self._pool = pool
        self.use(keys)

    def use(self, keys: Sequence[bytes]) -> None:
        """From now on the first key wraps, and all of them unwrap."""
        self._encryption = KeyEncryption(keys) if keys else None

    def require_encryption(self) -> None:
        """Raises AccountsDisabled."""
        if self._encryption is None:
            raise AccountsDisabled

    async def for_merchant(self, merchant_id: UUID, mode: StripeMode | None = None) -> StripeAccount:
        """Raises NoStripeAccount; and Busy while the account's key is refused: nothing is requested with it."""
        stored = await self.stored(merchant_id)
        if stored is None or mode not in (None, stored.account.mode):
            raise NoStripeAccount
        if stored.state == "refused":
            raise Busy
        return stored.account

    async def stored(self, merchant_id: UUID) -> StoredAccount | None:
        row = await self._pool.fetchrow("SELECT * FROM stripe_account WHERE merchant_id = $1", merchant_id)
        return self._opened(row) if row else None

    async def at_endpoint(self, endpoint: UUID) -> StoredAccount | None:
        row = await self._pool.fetchrow("SELECT * FROM stripe_account WHERE endpoint = $1", endpoint)
        return self._opened(row) if row else None

    async def store(self, account: StripeAccount, hook_secrets: Sequence[str]) -> StoredAccount:
        """Store the account in place of the merchant's former keys. Its endpoint stays. Raises AccountsDisabled."""
        if self._encryption is None:
            raise AccountsDisabled
        key = account.key.get_secret_value()
        async with self._pool.acquire() as connection, connection.transaction():
            sql = "SELECT endpoint FROM stripe_account WHERE merchant_id = $1 AND mode = $2 FOR UPDATE"
            endpoint = await connection.fetchval(sql, account.merchant_id, account.mode) or uuid4()
            data_key = new_data_key()
            secrets = {"key": key, "publishable_key": account.publishable_key, "hook_secrets": list(hook_secrets)}
            sealed = seal(data_key, json.dumps(secrets).encode(), "stripe-account", account.merchant_id, endpoint)
            row = await connection.fetchrow(
                """
                INSERT INTO stripe_account (merchant_id, mode, endpoint, key_last4, sealed, wrapped, wrapped_by)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
                ON CONFLICT (merchant_id, mode) DO UPDATE
                SET key_last4 = excluded.key_last4, sealed = excluded.sealed, wrapped = excluded.wrapped,
                    wrapped_by = excluded.wrapped_by, state = 'connected', refused_status = NULL, refused_at = NULL,
                    poll_at = now()
                RETURNING *
                """,
                account.merchant_id,
                account.mode,
                endpoint,
                key[-4:],
                sealed,
                *self._encryption.wrap(data_key, account.merchant_id, endpoint),
            )
        assert row is not None, "the statement returns a row"
        return self._opened(row)

    async def disconnect(self, merchant_id: UUID) -> bool:
        """Delete the account with its keys. False if there is none. Raises ChargesRunning, MethodsInUse."""
        async with self._pool.acquire() as connection, connection.transaction():
            sql = "SELECT mode FROM stripe_account WHERE merchant_id = $1 FOR UPDATE"
            if await connection.fetchval(sql, merchant_id) is None:
                return False
            if await connection.fetchval(_RUNNING, merchant_id, STRIPE):
                raise ChargesRunning
            if await connection.fetchval(_IN_USE, merchant_id, STRIPE, ENDED):
                raise MethodsInUse
            await connection.execute("DELETE FROM stripe_account WHERE merchant_id = $1", merchant_id)
        log.info("stripe.account_disconnected", merchant=str(merchant_id))
        return True

    async def rejected(self, account: StripeAccount, status: int) -> None:
        """Stop requests with the account's key. Logged once for each key; a key that was replaced meanwhile stays in use."""
        async with self._pool.acquire() as connection, connection.transaction():
            sql = "SELECT * FROM stripe_account WHERE merchant_id = $1 AND mode = $2 FOR UPDATE"
            row = await connection.fetchrow(sql, account.merchant_id, account.mode)
            if row is None or row["state"] == "refused" or not _same_key(self._opened(row).account, account):
                return
            await connection.execute(
                """
                UPDATE stripe_account SET state = 'refused', refused_status = $3, refused_at = now()
                WHERE merchant_id = $1 AND mode = $2
                """,
                account.merchant_id,
                account.mode,
                status,
            )
        REFUSED_KEYS.labels(str(status)).inc()
        log.error("stripe.key_refused", merchant=str(account.merchant_id), mode=account.mode, status=status)

    async def problem(self) -> str | None:
        """For the health report: how many accounts cannot be used."""
        count = await self._pool.fetchval("SELECT count(*) FROM stripe_account WHERE state = 'refused'")
        return f"the provider refuses the keys of {count} merchants: `portalctl doctor` names them" if count else None

    def _opened(self, row: asyncpg.Record) -> StoredAccount:
        """Raises AccountsDisabled, Tampered."""
        if self._encryption is None:
            raise AccountsDisabled
        return opened(row, self._encryption)


def opened(row: asyncpg.Record, encryption: KeyEncryption) -> StoredAccount:
    """The account of a row of `stripe_account`. Raises Tampered."""
    ids = row["merchant_id"], row["endpoint"]
    data_key = encryption.unwrap(row["wrapped"], row["wrapped_by"], *ids)
    secrets = json.loads(unseal(data_key, row["sealed"], "stripe-account", *ids))
    account = StripeAccount(row["merchant_id"], row["mode"], secrets["publishable_key"], SecretStr(secrets["key"]))
    state = row["state"], row["refused_status"], row["refused_at"], row["connected_at"], row["caught_up_to"]
    return StoredAccount(account, row["endpoint"], tuple(secrets["hook_secrets"]), *state)


def _same_key(one: StripeAccount, other: StripeAccount) -> bool:
    return hmac.compare_digest(one.key.get_secret_value().encode(), other.key.get_secret_value().encode())
