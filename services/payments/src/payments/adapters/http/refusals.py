"""The problem that answers each refusal."""

from chassis.http.problems import Refusals
from payments.application.charges import NoProvider
from payments.domain.payment import refusals as payment
from payments.domain.wallet import refusals as wallet

REFUSALS: Refusals = {
    NoProvider: (409, "no_payment_provider", "The merchant has not connected a payment provider that takes cards here"),
    wallet.NoSuchPaymentMethod: (404, "not_found", "The resource does not exist"),
    wallet.LastMethodInUse: (409, "last_payment_method", "It is the only card, and something is paid with it"),
    wallet.TooManyMethods: (409, "too_many_payment_methods", "The customer has as many cards as are allowed"),
    wallet.DefaultAsBackup: (409, "default_as_backup", "The default card cannot be its own backup"),
    wallet.SuccessorChanged: (409, "next_default_changed", "Another card would become the default than was shown"),
    payment.NoSuchPayment: (404, "not_found", "The resource does not exist"),
    payment.ChargeAlreadyEnded: (409, "charge_ended", "The charge has ended already"),
    payment.ChargeRunning: (409, "charge_running", "A charge for this invoice is under way"),
    payment.NothingOwed: (409, "nothing_owed", "Nothing is owed on this invoice"),
    payment.NothingTaken: (409, "not_paid", "This charge took no money"),
}
