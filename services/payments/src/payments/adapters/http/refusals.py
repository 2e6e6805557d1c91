"""What each refusal of the domain is answered with."""

from chassis.http.problems import Refusals
from payments.domain import refusals

PROBLEMS: Refusals = {
    refusals.NoSuchPaymentMethod: (404, "not_found", "There is nothing here"),
    refusals.LastMethodInUse: (409, "last_payment_method", "A subscription is paid with this card, and it is the only one"),
    refusals.NoSuchPayment: (404, "not_found", "There is nothing here"),
    refusals.ChargeAlreadyEnded: (409, "charge_ended", "The charge has ended already"),
    refusals.NotPaidByThisCharge: (409, "not_paid", "This charge took no money"),
}
