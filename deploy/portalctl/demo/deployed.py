"""`portalctl demo --against`: the demo's history in a deployed system, through its public APIs."""

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.service.setting_types import Expected, Origin, ServiceUrl
from chassis.service.settings import SettingsError, read_settings
from chassis.service.tls_settings import Authorities
from chassis.tls import client_context
from portalctl.demo import history
from portalctl.demo.command import Shown, show_customers
from portalctl.demo.story import MERCHANTS, Joins
from portalctl.terminal import say

ENVIRONMENT = "-"
"""Instead of a file: environment variables only."""


class DeployedSystem(BaseSettings):
    """Where the services of a deployed system are reached from here, and the operator's key."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True)

    subscriptions_url: ServiceUrl
    payments_url: ServiceUrl
    invoicing_url: ServiceUrl
    public_url: Origin
    """The portal's address for customers: the PUBLIC_URL of the gateway."""
    portal_gateway_url: ServiceUrl | None = None
    """Where the gateway is reached from here, if not at PUBLIC_URL."""
    operator_key: Annotated[SecretStr, Field(min_length=1), Expected("the operator's API key", secret=True)]
    services_ca_file: Authorities = None
    """The authorities that the certificates of https URLs come from. Empty: those of the system."""

    @property
    def urls(self) -> dict[str, str]:
        gateway = self.portal_gateway_url or self.public_url
        return {
            "subscriptions": self.subscriptions_url,
            "payments": self.payments_url,
            "invoicing": self.invoicing_url,
            "portal-gateway": gateway,
        }


def read_system(source: str) -> DeployedSystem:
    """The settings in a file with a NAME=value per line. Environment variables take precedence. Raises SettingsError."""
    if source != ENVIRONMENT:
        for name, value in _variables(Path(source)).items():
            os.environ.setdefault(name, value)
    return read_settings(DeployedSystem)


def question(system: DeployedSystem) -> str:
    customers = sum(isinstance(step, Joins) for merchant in MERCHANTS for step in merchant.steps)
    return f"Create {len(MERCHANTS)} merchants and {customers} customers in the system at {system.public_url}?"


def create_demo(system: DeployedSystem, seconds: float, *, as_json: bool) -> None:
    """Create the history and show it. `seconds` limits each call. Raises StackError."""
    created = asyncio.run(_create(system, seconds))
    if as_json:
        say(json.dumps(created, ensure_ascii=False))
    else:
        show_customers(created)


async def _create(system: DeployedSystem, seconds: float) -> dict[str, Any]:
    return await history.create(
        system.urls,
        system.operator_key.get_secret_value(),
        Shown(),
        seconds,
        public_url=system.public_url,
        tls=client_context(system.services_ca_file),
    )


def _variables(file: Path) -> dict[str, str]:
    try:
        lines = [line.strip() for line in file.read_text("utf-8").splitlines()]
    except (OSError, ValueError):
        expected = f"a readable file with a NAME=value per line, or {ENVIRONMENT} for environment variables only"
        raise SettingsError([f"--against names the file {str(file)!r}, which cannot be read; expected {expected}"]) from None
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    for number, (name, equals, _) in enumerate(pairs, 1):
        if not equals or not name.strip().isidentifier():
            raise SettingsError([f"--against: setting {number} of the file {str(file)!r} is malformed; expected NAME=value"])
    return {name.strip(): value.strip() for name, _, value in pairs}
