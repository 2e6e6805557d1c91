"""What each refusal of the domain is answered with."""

from chassis.http.problems import Refusals
from payments.domain import refusals

REFUSALS: Refusals = {
    refusals.NoSuchPaymentMethod: (404, "not_found", "The resource does not exist"),
    refusals.LastMethodInUse: (409, "last_payment_method", "A subscription is paid with this card, and it is the only one"),
    refusals.NoSuchPayment: (404, "not_found", "The resource does not exist"),
    refusals.ChargeAlreadyEnded: (409, "charge_ended", "The charge has ended already"),
    refusals.ChargeRunning: (409, "charge_running", "A charge for this invoice is under way"),
    refusals.NothingOwed: (409, "nothing_owed", "Nothing is owed on this invoice"),
    refusals.NotPaidByThisCharge: (409, "not_paid", "This charge took no money"),
}
