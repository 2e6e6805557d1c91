"""The aggregates of this service, as the chassis has to be told of them."""

from datetime import datetime

from chassis.eventsourcing.aggregate import Aggregate
from chassis.eventsourcing.codec import Codec
from chassis.eventsourcing.decider import Decider
from subscriptions.application import publication
from subscriptions.domain.merchant import merchant
from subscriptions.domain.plan import plan
from subscriptions.domain.subscription import events, subscription
from subscriptions.domain.subscription.commands import Command, GiveUp, ReachBoundary, Retry
from subscriptions.domain.subscription.refusals import Refusal

_MERCHANT_RULES: Decider[merchant.MerchantCommand, merchant.MerchantEvent, merchant.Merchant] = Decider(
    merchant.decide, merchant.evolve
)
MERCHANT = Aggregate(
    kind="merchant",
    decider=_MERCHANT_RULES,
    refusal=merchant.MerchantRefusal,
    codec=Codec(
        {
            "MerchantRegistered": merchant.Registered,
            "MerchantReconfigured": merchant.Reconfigured,
            "MerchantKeyIssued": merchant.KeyIssued,
            "MerchantKeyRevoked": merchant.KeyRevoked,
            "MerchantClockSet": merchant.ClockSet,
        }
    ),
    announce=publication.announce_merchant,
)

_PLAN_RULES: Decider[plan.Publish, plan.Published, plan.Plan] = Decider(plan.decide, plan.evolve)
PLAN = Aggregate(
    kind="plan",
    decider=_PLAN_RULES,
    refusal=plan.PlanRefusal,
    codec=Codec({"PlanPublished": plan.Published}),
    announce=publication.announce_plan,
)


def on_timer(name: str, _: subscription.Subscription, now: datetime, *, customer_revision: int = 1) -> Command:
    """What is asked of a subscription when it is due; a renewal is made out to the customer as of `customer_revision`."""
    commands: dict[str, Command] = {
        "boundary": ReachBoundary(customer_revision, now),
        "retry": Retry(now),
        "give_up": GiveUp(now),
    }
    return commands[name]


_SUBSCRIPTION_RULES: Decider[Command, events.Event, subscription.Subscription] = Decider(subscription.decide, subscription.evolve)
SUBSCRIPTION = Aggregate(
    kind="subscription",
    decider=_SUBSCRIPTION_RULES,
    refusal=Refusal,
    codec=Codec(
        {
            "SubscriptionStarted": events.Started,
            "RenewalDue": events.RenewalDue,
            "Renewed": events.Renewed,
            "FellPastDue": events.FellPastDue,
            "RetryDue": events.RetryDue,
            "Recovered": events.Recovered,
            "WentUnpaid": events.WentUnpaid,
            "CancellationScheduled": events.CancellationScheduled,
            "CancellationWithdrawn": events.CancellationWithdrawn,
            "SubscriptionCancelled": events.Cancelled,
        }
    ),
    announce=publication.announce_subscription,
    timers=subscription.timers,
    on_timer=on_timer,
)
