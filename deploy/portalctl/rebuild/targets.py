"""The projections that can be rebuilt, by name."""

from collections.abc import Mapping
from dataclasses import dataclass

from billing_contracts.envelope import topic_of
from chassis.consumers import Consumer, Projection
from chassis.tenants import MERCHANT
from portalctl.local.errors import StackError
from verify.consumers import SERVICE_CONSUMERS

VIEWS = "portal-gateway.view"
MERCHANTS = f"subscriptions.{MERCHANT}"


@dataclass(frozen=True)
class RebuildTarget:
    name: str
    """`<service>.<projection>`"""
    database: str
    projection: str
    """The column `name` of the table `projection`."""
    topics: tuple[str, ...] = ()
    """The topics to read; none for a projection of the service's own streams or documents."""
    consumer: Consumer | None = None
    rules: Projection | None = None

    @property
    def schema(self) -> str:
        return f"rebuild_{self.projection}"


def _of_consumers() -> Mapping[str, RebuildTarget]:
    targets = {}
    for service in SERVICE_CONSUMERS:
        for rules in service.consumer.projections:
            name = f"{service.database.replace('_', '-')}.{rules.name}"
            topics = tuple(sorted({topic_of(type) for type in rules.types}))
            targets[name] = RebuildTarget(name, service.database, rules.name, topics, service.consumer, rules)
    return targets


TARGETS: Mapping[str, RebuildTarget] = {
    **_of_consumers(),
    MERCHANTS: RebuildTarget(MERCHANTS, "subscriptions", MERCHANT),
    VIEWS: RebuildTarget(VIEWS, "portal_gateway", "view"),
}


class UnknownProjection(StackError):
    """The message lists the projections."""


def target_of(name: str) -> RebuildTarget:
    if name not in TARGETS:
        raise UnknownProjection(f"unknown projection {name!r}; expected one of {', '.join(sorted(TARGETS))}")
    return TARGETS[name]
