"""What an operator can set, beyond what every service has."""

from chassis.settings import ServiceSettings


class SubscriptionsSettings(ServiceSettings):
    test_clock_patience_seconds: float = 25
    """How long a call that moves a test clock waits for it to come to rest before it answers 202."""
