"""A process of the service is killed while a refund is with the provider: another one makes it, once."""

import asyncio

from integration.payments.stack import KEY_ENCRYPTION_KEY, opened, running
from integration.payments.stripe.accounts import connected, stripe_card
from integration.payments.test_over_kafka import environment_of

from support.databases import ServiceDatabase
from support.processes import process, python
from support.stripe.server import FaultKind, StripeServer

NO_BROKER = "127.0.0.1:1"
"""The workers that call the provider need no Kafka."""


async def killed_at(stripe: StripeServer, kind: FaultKind, environment: dict[str, str]) -> None:
    """Run the service until its request for a refund hangs, then kill it."""
    hanging = stripe.hanging
    stripe.fault(kind, "refund")
    async with process(*python("-m", "payments"), env=environment, stdout=asyncio.subprocess.DEVNULL) as service:
        async with asyncio.timeout(60):
            while stripe.hanging == hanging:
                assert service.returncode is None, "the service ended before the fault"
                await asyncio.sleep(0.02)
        service.kill()
        await service.wait()


async def test_a_refund_is_made_once_after_two_kills(database: ServiceDatabase, stripe: StripeServer) -> None:
    async with running(database, stripe.url) as stack:
        shop = await opened(stack, test_clock=False)
        account = await connected(shop, stripe)
        await stripe_card(shop, account)
        invoice = await shop.issue()
        await shop.until_charges(invoice, (1, "succeeded", None))
    provider = {"STRIPE_API_URL": stripe.url, "KEY_ENCRYPTION_KEY": KEY_ENCRYPTION_KEY, "PROVIDER_SECONDS": "60"}
    environment = environment_of(database.url, database.owner_url, NO_BROKER) | provider
    async with running(database, stripe.url, workers=False) as stack:
        shop.stack, shop.http = stack, stack.client(shop.merchant.key)
        note = await shop.credit(invoice, 1000)

        async def requested_again() -> None:
            """The lease of the killed process has ended."""
            assert await shop.refunds(invoice) == [(1000, "credit_note", "requested")]
            await stack.pool.execute("UPDATE refund SET call_at = now()")

        # when killed between the stored request and its arrival at the provider, then nothing was given back
        await killed_at(stripe, "hang", environment)
        assert account.kinds("refund") == []
        await requested_again()

        # when killed after the provider has made it, then it is not recorded
        await killed_at(stripe, "lost", environment)
        assert [each["metadata"] for each in account.kinds("refund")] == [{"refund_id": str(note)}]
        await requested_again()
    async with running(database, stripe.url) as stack:
        shop.stack, shop.http = stack, stack.client(shop.merchant.key)
        await shop.until_refunds(invoice, (1000, "credit_note", "made"))
        names = await stack.event_names(f"payment-{invoice}")
    assert names == ["PaymentStarted", "PaymentSucceeded", "PaymentRefundRequested", "PaymentRefunded"]
    assert [each["amount"] for each in account.kinds("refund")] == [1000]
