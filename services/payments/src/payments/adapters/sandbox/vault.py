"""The sandbox's cards. It stores the last four digits, a keyed hash and the simulated behaviour, never the number."""

import hashlib
import hmac
import secrets
from datetime import datetime
from uuid import UUID, uuid4, uuid5

import asyncpg

from payments.adapters.sandbox.cards import TEST_CARDS, TEST_TOKENS
from payments.adapters.sandbox.ledger import LedgerPool
from payments.application.card_setup import CardToken
from payments.application.charges import SetupRefused, UnknownToken
from payments.domain.card_input import CardEntry, brand_of
from payments.domain.shapes import Brand, FailureCode, Method

_SAVE = """
INSERT INTO sandbox_method (
    merchant_id, id, customer_id, brand, last4, exp_month, exp_year, on_setup, on_charge, authentication, on_refund, fingerprint
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
_KEY = """
WITH made AS (INSERT INTO sandbox_key (merchant_id, key) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING key)
SELECT key FROM made UNION ALL SELECT key FROM sandbox_key WHERE merchant_id = $1 LIMIT 1
"""


class Vault:
    def __init__(self, ledger_pool: LedgerPool) -> None:
        self._ledger = ledger_pool

    @property
    def numbers(self) -> frozenset[str]:
        return frozenset(TEST_CARDS)

    async def tokenise(self, merchant_id: UUID, setup_id: UUID, entry: CardEntry) -> CardToken:
        token = f"sbx_tok_{secrets.token_urlsafe(24)}"
        face = uuid4(), entry.brand, entry.number[-4:], entry.exp_month, entry.exp_year
        method = Method(*face, await self._fingerprint(merchant_id, entry.number))
        pool = await self._ledger.pool()
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SAVE, *row(merchant_id, None, method, entry.number))
            await connection.execute(
                "INSERT INTO sandbox_token (merchant_id, sha256, setup_id, method_id) VALUES ($1, $2, $3, $4)",
                merchant_id,
                digest(token),
                setup_id,
                method.id,
            )
        return CardToken(token, method, asks=TEST_CARDS[entry.number].authentication == "once")

    async def answer(self, merchant_id: UUID, setup_id: UUID, token: str, *, approved: bool) -> None:
        pool = await self._ledger.pool()
        answered = await pool.fetchval(
            """
            UPDATE sandbox_method AS method
            SET authentication = CASE WHEN $4 THEN NULL ELSE authentication END, on_setup = CASE WHEN $4 THEN on_setup ELSE $5 END
            FROM sandbox_token AS token
            WHERE token.merchant_id = $1 AND token.setup_id = $2 AND token.sha256 = $3
              AND token.made_at > now() - interval '30 minutes'
              AND method.merchant_id = token.merchant_id AND method.id = token.method_id
              AND method.customer_id IS NULL AND method.authentication = 'once'
            RETURNING method.id
            """,
            merchant_id,
            setup_id,
            digest(token),
            approved,
            FailureCode.AUTHENTICATION_FAILED.value,
        )
        if answered is None:
            raise UnknownToken

    async def save(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID, token: str) -> Method:
        pool = await self._ledger.pool()
        row = await pool.fetchrow(
            """
            UPDATE sandbox_method AS method
            SET customer_id = CASE WHEN on_setup IS NULL THEN $2 ELSE method.customer_id END
            FROM sandbox_token AS token
            WHERE token.merchant_id = $1 AND token.setup_id = $3 AND token.sha256 = $4
              AND token.made_at > now() - interval '30 minutes'
              AND method.merchant_id = token.merchant_id AND method.id = token.method_id
              AND (method.customer_id IS NULL OR method.customer_id = $2)
            RETURNING method.*
            """,
            merchant_id,
            customer_id,
            setup_id,
            digest(token),
        )
        if row is None:
            raise UnknownToken
        if row["on_setup"]:
            raise SetupRefused(FailureCode(row["on_setup"]))
        return method_of(row)

    async def attach(self, merchant_id: UUID, customer_id: UUID, token: str, at: datetime) -> Method:
        """`at` is in the merchant's time zone."""
        if token not in TEST_TOKENS:
            raise UnknownToken
        number, expiry = TEST_TOKENS[token]
        year, month = expiry(at)
        face = uuid4(), brand_of(number), number[-4:], month, year
        method = Method(*face, await self._fingerprint(merchant_id, number))
        pool = await self._ledger.pool()
        await pool.execute(_SAVE, *row(merchant_id, customer_id, method, number))
        return method

    async def imported(self, merchant_id: UUID, customer_id: UUID, token: str, *, keep: bool) -> Method:
        """The same card for the same customer and token. It does not expire soon."""
        if token not in TEST_TOKENS:
            raise UnknownToken
        number, _ = TEST_TOKENS[token]
        face = uuid5(customer_id, token), brand_of(number), number[-4:], 12, 2099
        method = Method(*face, await self._fingerprint(merchant_id, number) if keep else None)
        if keep:
            pool = await self._ledger.pool()
            await pool.execute(f"{_SAVE} ON CONFLICT DO NOTHING", *row(merchant_id, customer_id, method, number))
        return method

    async def read(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> Method | None:
        pool = await self._ledger.pool()
        sql = "SELECT * FROM sandbox_method WHERE merchant_id = $1 AND customer_id = $2 AND id = $3"
        row = await pool.fetchrow(sql, merchant_id, customer_id, method_id)
        return method_of(row) if row else None

    async def forget(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> None:
        pool = await self._ledger.pool()
        await pool.execute(
            "DELETE FROM sandbox_method WHERE merchant_id = $1 AND customer_id = $2 AND id = $3",
            merchant_id,
            customer_id,
            method_id,
        )

    async def _fingerprint(self, merchant_id: UUID, number: str) -> str:
        pool = await self._ledger.pool()
        key: bytes | None = None
        while key is None:  # a concurrent first use has inserted the key, which this statement does not see yet
            key = await pool.fetchval(_KEY, merchant_id, secrets.token_bytes(32))
        return hmac.new(key, number.encode(), hashlib.sha256).hexdigest()[:32]


def row(merchant_id: UUID, customer_id: UUID | None, method: Method, number: str) -> tuple[object, ...]:
    card = TEST_CARDS[number]
    facts = (method.brand.value, method.last4, method.exp_month, method.exp_year)
    behaviour = (card.on_setup, card.on_charge, card.authentication, card.on_refund)
    return (merchant_id, method.id, customer_id, *facts, *behaviour, method.fingerprint)


def method_of(row: asyncpg.Record) -> Method:
    return Method(row["id"], Brand(row["brand"]), row["last4"], row["exp_month"], row["exp_year"], row["fingerprint"])


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
