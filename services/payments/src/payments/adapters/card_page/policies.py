"""The headers of the card page's origin, and the content security policy of each page."""

from typing import Final
from urllib.parse import urlsplit

STRIPE_JS: Final = "https://js.stripe.com/dahlia/stripe.js"
"""Stripe's script for the API version that the adapter uses. Stripe allows no copy of it, so it has no checksum."""
_STRIPE: Final = {
    "script-src": "https://js.stripe.com https://*.js.stripe.com",
    "frame-src": "https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com",
    "connect-src": "https://api.stripe.com",
    "img-src": "https://*.stripe.com",
}


def own_policy(portal_origin: str) -> str:
    """Of a page that loads nothing from other origins."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; "
        f"frame-ancestors {portal_origin}"
    )


def stripe_policy(portal_origin: str, script: str) -> str:
    """Of a page with Stripe's script; with another `script` its origin stands for all of Stripe's."""
    parts = urlsplit(script)
    of_stripe = _STRIPE if script == STRIPE_JS else dict.fromkeys(_STRIPE, f"{parts.scheme}://{parts.netloc}")
    return (
        f"default-src 'none'; script-src 'self' {of_stripe['script-src']}; frame-src {of_stripe['frame-src']}; "
        f"connect-src 'self' {of_stripe['connect-src']}; img-src {of_stripe['img-src']}; style-src 'self'; "
        f"form-action 'none'; base-uri 'none'; frame-ancestors {portal_origin}"
    )


def headers(cards_url: str, portal_origin: str) -> dict[str, str]:
    """Headers of every answer on this origin. COEP is absent: it would block the frame."""
    always = {
        "content-security-policy": own_policy(portal_origin),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex",
        "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    over_https = {"strict-transport-security": "max-age=31536000; includeSubDomains"} if cards_url.startswith("https://") else {}
    return always | over_https
