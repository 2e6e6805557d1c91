"""The settings of this service, in addition to those of every service."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from chassis.service.setting_keys import KeyEncryptionKeys, key_bytes
from chassis.service.setting_types import Expected, Host, Origin, Port, SafeOrigin, ServiceUrl
from chassis.service.settings import ServiceSettings
from chassis.service.tls_settings import CertificateFile, empty_is_none, key_of
from chassis.tls import CertificateFiles
from payments.adapters.card_page.policies import STRIPE_JS


def _another_port(port: int, info: ValidationInfo) -> int:
    if port == info.data.get("http_port"):
        raise ValueError("is the HTTP_PORT too")
    return port


def _real_money(provider: str, info: ValidationInfo) -> str:
    if provider == "sandbox" and info.data.get("environment") == "production":
        raise ValueError("takes no real money and does not start in production")
    return provider


def _from_stripe(script: str, info: ValidationInfo) -> str:
    if script != STRIPE_JS and info.data.get("environment") == "production":
        raise ValueError("is not Stripe's own address, and card numbers would be typed into its fields")
    return script


def _needs_keys(provider: str, info: ValidationInfo) -> str:
    if provider == "stripe" and info.data.get("key_encryption_key", "") is None:
        raise ValueError("stores keys of accounts, and KEY_ENCRYPTION_KEY is not set")
    return provider


def _not_in_production(url: str | None, info: ValidationInfo) -> str | None:
    if url is not None and info.data.get("environment") == "production":
        raise ValueError("stands for Stripe in tests, and is not used in production")
    return url


class Settings(ServiceSettings):
    key_encryption_key: Annotated[KeyEncryptionKeys | None, BeforeValidator(empty_is_none)] = None
    """Wraps the keys under which merchants' provider accounts are stored: the first one wraps, all of them unwrap. Empty: no
    account can be connected."""
    cards_url: SafeOrigin
    """The card page's own origin: another host name than the portal's."""
    cards_http_port: Annotated[Port, AfterValidator(_another_port)]
    """The port on which the card page listens: another one than HTTP_PORT."""
    cards_http_host: Host = "localhost"
    """The address on which the card page listens. `localhost` are both loopback addresses."""
    cards_http_certificate_file: CertificateFile = None
    """The certificate of the card page's address, with those of intermediate authorities (PEM). With it the card page listens for
    HTTPS only. Changed files are read again. Empty: HTTP."""
    cards_http_key_file: Annotated[
        Path | None,
        BeforeValidator(empty_is_none),
        AfterValidator(key_of("cards_http_certificate_file")),
        Expected("a file with the unencrypted key of CARDS_HTTP_CERTIFICATE_FILE (PEM), if that has none", secret=True),
    ] = None
    """The key of that certificate."""
    portal_origin: Origin
    """The only origin that may frame the card page."""
    stripe_js_url: Annotated[
        ServiceUrl, AfterValidator(_from_stripe), Expected(f"the URL of a script; in production only {STRIPE_JS}")
    ] = STRIPE_JS
    """Stripe's script, which shows the card fields of merchants with Stripe. Another address is for tests and demonstrations."""
    provider: Annotated[
        Literal["sandbox", "stripe"],
        AfterValidator(_real_money),
        AfterValidator(_needs_keys),
        Expected("stripe, with KEY_ENCRYPTION_KEY; or sandbox, and ENVIRONMENT=local or staging with it"),
    ] = "sandbox"
    """The provider of merchants without an account. sandbox: they take test cards. stripe: they cannot take cards before they
    have connected one."""
    stripe_api_url: Annotated[
        ServiceUrl | None,
        BeforeValidator(empty_is_none),
        AfterValidator(_not_in_production),
        Expected("a URL such as http://127.0.0.1:12111, for tests only, or an empty value"),
    ] = None
    """The address of a server that stands for Stripe's API in tests. Empty: Stripe. Refused in production."""
    provider_seconds: Annotated[
        float, Field(ge=0.1, le=60, allow_inf_nan=False), Expected("a number of seconds from 0.1 to 60")
    ] = 5
    """How long the provider may take to answer before a charge's outcome counts as unknown."""
    first_check_seconds: Annotated[
        float, Field(ge=0.1, le=300, allow_inf_nan=False), Expected("a number of seconds from 0.1 to 300")
    ] = 1
    """Until an unknown outcome is checked for the first time; then twice as long after each time, up to 300."""

    @property
    def key_encryption_keys(self) -> tuple[bytes, ...]:
        """The first one wraps, all of them unwrap. Empty if no account can be connected."""
        return key_bytes(self.key_encryption_key) if self.key_encryption_key else ()

    @property
    def cards_http_certificate(self) -> CertificateFiles | None:
        file = self.cards_http_certificate_file
        return CertificateFiles(file, self.cards_http_key_file) if file else None
