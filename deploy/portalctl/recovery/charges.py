"""Prepares the charges of a restored database, so that each is looked up at its provider before money is taken."""

from chassis.postgres.connection import Connection


async def prepare_charges(connection: Connection) -> None:
    """With a call counted, the collector requests a charge's outcome before it charges.

    Payment intents of recorded outcomes are stored again. Those of all other charges are searched at Stripe.
    """
    await connection.execute("UPDATE attempt SET calls = greatest(calls, 1) WHERE status IN ('open', 'unknown')")
    await connection.execute(
        """
        INSERT INTO stripe_intent (merchant_id, charge_id, mode, reference, code)
        SELECT attempt.merchant_id, charge_id, CASE WHEN (merchant.doc ->> 'sandbox')::boolean THEN 'test' ELSE 'live' END,
               reference, code
        FROM attempt JOIN projection AS merchant ON merchant.merchant_id = attempt.merchant_id AND merchant.name = 'merchant'
        WHERE attempt.provider = 'stripe' AND status IN ('succeeded', 'failed') AND reference LIKE 'pi\\_%'
        ON CONFLICT DO NOTHING
        """
    )
    await connection.execute("INSERT INTO stripe_recovery DEFAULT VALUES ON CONFLICT DO NOTHING")
