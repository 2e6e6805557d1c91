"""Some settings need a value although they have a default."""

import pytest

from chassis.service.program import required_settings


@pytest.mark.parametrize(
    ("environment", "role", "required"),
    [
        ("local", "all", []),
        ("local", "worker", []),
        ("staging", "all", ["instance"]),
        ("production", "worker", ["instance"]),
        ("production", "http", []),
        (None, "worker", ["instance"]),
    ],
)
def test_outside_of_local_a_worker_needs_an_instance(
    monkeypatch: pytest.MonkeyPatch, environment: str | None, role: str, required: list[str]
) -> None:
    """Two workers with the default would be one static member of a consumer group and evict each other."""
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    if environment:
        monkeypatch.setenv("ENVIRONMENT", environment)
    assert required_settings(migrating=False, role=role) == required


def test_migrate_needs_the_owner_of_the_tables() -> None:
    assert required_settings(migrating=True, role="all") == ["database_owner_url"]
