"""What the distribution installs."""

from support.subscriber_environment import SubscriberEnvironment, printed_installation

PYDANTIC = {"pydantic", "pydantic-core", "annotated-types", "typing-extensions", "typing-inspection"}
"""pydantic and what it needs itself."""


def test_the_contracts_need_pydantic_only(bare: tuple[SubscriberEnvironment, set[str]]) -> None:
    _, packages = bare
    assert packages == PYDANTIC | {"billing-contracts"}


def test_the_readme_installs_the_contracts_and_faststream() -> None:
    names = [package.partition("~")[0] for package in printed_installation()]
    assert names == ["./contracts", "faststream[kafka,cli]"]


def test_the_extra_installs_what_the_readme_installs(newcomer: SubscriberEnvironment) -> None:
    before = newcomer.packages()
    newcomer.install("./contracts[faststream]")
    assert newcomer.packages() == before
    assert "asyncpg" not in before
