"""The routes that each other service may call."""

from typing import Final

from chassis.http.authentication import Peers

PEERS: Final[Peers] = {
    "portal-gateway": frozenset(
        {
            ("POST", "/v1/customers/{customer_id}/setups"),
            ("PUT", "/v1/customers/{customer_id}/default-payment-method"),
            ("POST", "/v1/customers/{customer_id}/setups/{setup_id}/payment-method"),
            ("PUT", "/v1/payment-methods/{method_id}/default"),
            ("PUT", "/v1/payment-methods/{method_id}/backup"),
            ("DELETE", "/v1/payment-methods/{method_id}/backup"),
            ("GET", "/v1/payment-methods/{method_id}/removal"),
            ("DELETE", "/v1/payment-methods/{method_id}"),
            ("GET", "/v1/charges/preview"),
            ("POST", "/v1/charges"),
            ("POST", "/v1/customers/{customer_id}/invoices/{invoice_id}/authentication"),
            ("POST", "/v1/one-time-payments/setups"),
            ("POST", "/v1/one-time-payments"),
            ("POST", "/v1/one-time-payments/{charge_id}/authentication"),
        }
    ),
}
