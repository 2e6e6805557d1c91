"""The problem that answers each refusal."""

from billing_contracts.money import LARGEST_AMOUNT
from chassis.http.problems import Refusals
from subscriptions.application.ports import PIXELS_MAX, NotAPicture, TooManyPixels
from subscriptions.domain.merchant import refusals as merchant
from subscriptions.domain.plan import refusals as plan
from subscriptions.domain.subscription import refusals as subscription

REFUSALS: Refusals = {
    merchant.NoSuchMerchant: (404, "not_found", "The resource does not exist"),
    merchant.AlreadyRegistered: (409, "already_registered", "The merchant is registered already"),
    merchant.NoSuchKey: (404, "not_found", "The resource does not exist"),
    merchant.TooManyKeys: (409, "too_many_keys", "Revoke a key before you issue another"),
    merchant.LastKey: (409, "last_key", "The only key that is left cannot be revoked"),
    merchant.NotASandbox: (403, "not_a_sandbox", "Only a sandbox has a clock that can be set"),
    merchant.ClockRunsForward: (422, "clock_runs_forward", "The clock only runs forward"),
    plan.AlreadyPublished: (409, "already_published", "The plan is published already"),
    subscription.NoSuchSubscription: (404, "not_found", "The resource does not exist"),
    subscription.AlreadyStarted: (409, "already_started", "The subscription has started already"),
    subscription.StartInTheFuture: (422, "start_in_the_future", "A subscription starts now or in the past"),
    subscription.CurrencyNotSold: (422, "currency_not_sold", "The plan's price is in no currency that can be paid in today"),
    subscription.AmountTooLarge: (
        422,
        "amount_too_large",
        f"A period costs {LARGEST_AMOUNT} minor units at most: price times quantity, and its tax",
    ),
    subscription.AlreadyCancelled: (409, "already_cancelled", "The subscription is over"),
    subscription.NoCancellationToWithdraw: (409, "no_cancellation", "No cancellation is scheduled"),
    subscription.CancellationTookEffect: (409, "cancellation_took_effect", "The cancellation has taken effect"),
    NotAPicture: (422, "not_a_picture", "Only PNG, JPEG and WebP pictures are taken, each as the whole body"),
    TooManyPixels: (422, "too_many_pixels", f"A picture may have {PIXELS_MAX} pixels"),
}
