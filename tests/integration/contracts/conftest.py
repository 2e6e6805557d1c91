"""One virtual environment, and billing's topics, for all tests of subscribers."""

import pytest

from billing_contracts.registry import TOPICS
from chassis.kafka_access import KafkaAccess
from portalctl import topics
from support.subscriber_environment import SubscriberEnvironment, make, printed_installation


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> tuple[SubscriberEnvironment, set[str]]:
    """A virtual environment, and what was in it after `pip install ./contracts`."""
    newcomer = make(tmp_path_factory.mktemp("newcomer") / "venv")
    newcomer.install("./contracts")
    return newcomer, newcomer.packages()


@pytest.fixture(scope="session")
def newcomer(bare: tuple[SubscriberEnvironment, set[str]]) -> SubscriberEnvironment:
    """A virtual environment with exactly what the README installs."""
    environment, _ = bare
    environment.install(*printed_installation())
    return environment


@pytest.fixture(scope="module")
async def kafka(kafka_bootstrap: str) -> str:
    """Bootstrap servers of a Kafka with billing's topics."""
    await topics.apply(KafkaAccess(kafka_bootstrap), TOPICS)
    return kafka_bootstrap
