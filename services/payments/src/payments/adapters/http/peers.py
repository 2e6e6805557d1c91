"""The routes that each other service may call."""

from typing import Final

from chassis.http.authentication import Peers

PEERS: Final[Peers] = {
    "portal-gateway": frozenset(
        {
            ("POST", "/v1/customers/{customer_id}/setups"),
            ("PUT", "/v1/customers/{customer_id}/default-payment-method"),
            ("GET", "/v1/charges/preview"),
            ("POST", "/v1/charges"),
            ("POST", "/v1/customers/{customer_id}/invoices/{invoice_id}/authentication"),
        }
    ),
}
