"""The aggregates of this service: rules, stored event names, public events and timers."""

from datetime import datetime

from chassis.eventsourcing.aggregate import Aggregate
from chassis.eventsourcing.codec import Codec
from chassis.eventsourcing.decider import Decider
from subscriptions.application import publication
from subscriptions.domain.merchant import commands as merchant_commands
from subscriptions.domain.merchant import events as merchant_events
from subscriptions.domain.merchant import merchant
from subscriptions.domain.merchant import refusals as merchant_refusals
from subscriptions.domain.plan import commands as plan_commands
from subscriptions.domain.plan import events as plan_events
from subscriptions.domain.plan import plan
from subscriptions.domain.plan import refusals as plan_refusals
from subscriptions.domain.plan.terms import Plan
from subscriptions.domain.subscription import events, subscription
from subscriptions.domain.subscription.commands import Command, GiveUp, ReachBoundary, Retry
from subscriptions.domain.subscription.refusals import Refusal

_MERCHANT_RULES: Decider[merchant_commands.Command, merchant_events.Event, merchant.Merchant] = Decider(
    merchant.decide, merchant.evolve
)
MERCHANT = Aggregate(
    kind="merchant",
    decider=_MERCHANT_RULES,
    refusal=merchant_refusals.Refusal,
    codec=Codec(
        {
            "MerchantRegistered": merchant_events.Registered,
            "MerchantReconfigured": merchant_events.Reconfigured,
            "MerchantKeyIssued": merchant_events.KeyIssued,
            "MerchantKeyRevoked": merchant_events.KeyRevoked,
            "MerchantClockSet": merchant_events.ClockSet,
        }
    ),
    announce=publication.announce_merchant,
)

_PLAN_RULES: Decider[plan_commands.Command, plan_events.Event, Plan] = Decider(plan.decide, plan.evolve)
PLAN = Aggregate(
    kind="plan",
    decider=_PLAN_RULES,
    refusal=plan_refusals.Refusal,
    codec=Codec({"PlanPublished": plan_events.Published}),
    announce=publication.announce_plan,
)


def on_timer(name: str, _: subscription.Subscription, now: datetime, *, customer_revision: int = 1) -> Command:
    """The command of the timer `name`. A renewal names the revision of the customer's profile."""
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
