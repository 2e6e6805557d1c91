"""The routes that each other service may call."""

from typing import Final

from chassis.http.authentication import Peers

_KEYS: Final = ("GET", "/v1/keys/{sha256}")
"""Every service resolves API keys to merchants."""
_CANCELLATION: Final = "/v1/subscriptions/{id}/cancellation"

PEERS: Final[Peers] = {
    "portal-gateway": frozenset(
        {
            _KEYS,
            ("GET", "/v1/customers/{id}"),
            ("GET", "/v1/media/{id}"),
            ("GET", f"{_CANCELLATION}/preview"),
            ("POST", _CANCELLATION),
            ("DELETE", _CANCELLATION),
        }
    ),
    "payments": frozenset(
        {
            _KEYS,
            ("GET", "/v1/customers/{id}"),
            ("GET", "/v1/customers/{id}/payment-preview"),
            ("GET", "/v1/merchants/{id}"),
        }
    ),
    "invoicing": frozenset({_KEYS, ("GET", "/v1/media/{id}")}),
}
