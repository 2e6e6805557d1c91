"""The routes that each other service may call."""

from typing import Final

from chassis.http.authentication import Peers

PEERS: Final[Peers] = {
    "portal-gateway": frozenset(
        {
            ("GET", "/v1/invoices/{id}"),
            ("GET", "/v1/invoices/{id}/pdf"),
            ("GET", "/v1/invoices/{id}/receipt/pdf"),
            ("GET", "/v1/credit-notes/{id}/pdf"),
            ("GET", "/v1/customers/{customer_id}/export"),
            ("GET", "/v1/customers/{customer_id}/export/progress"),
        }
    ),
}
