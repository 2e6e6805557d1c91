"""What an operator can set of payments."""

from typing import Literal, Self

from pydantic import model_validator

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    cards_url: str
    """The card page's own origin: another host name than the portal's."""
    cards_http_port: int
    portal_origin: str
    """The only origin that may frame the card page."""
    provider: Literal["sandbox"] = "sandbox"
    provider_seconds: float = 5
    """How long the provider may take to answer before a charge's outcome counts as unknown."""
    first_check_seconds: float = 1
    """Until an unknown outcome is asked about for the first time; then twice as long after each time, up to 300."""

    @model_validator(mode="after")
    def no_sandbox_in_production(self) -> Self:
        if self.environment == "production" and self.provider == "sandbox":
            raise ValueError("the sandbox provider takes no real money and does not start in production")
        return self
