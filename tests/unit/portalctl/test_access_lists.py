"""Kafka's access lists follow from the contracts and from what each service consumes."""

import json

from billing_contracts import watermarks
from billing_contracts.registry import TOPICS
from portalctl.access_lists import Access, required
from portalctl.local.services import SERVICES
from support.portalctl_command import portalctl
from verify.consumers import SERVICE_CONSUMERS

NAMES = {service.package: service.name for service in SERVICES}


def users_who(operation: str, topic: str) -> set[str]:
    return {entry.user for entry in required() if (entry.operation, entry.name, entry.pattern) == (operation, topic, "literal")}


def test_each_topic_is_written_by_its_owner_only() -> None:
    owners = {topic: users_who("Write", topic) for topic in TOPICS if topic != watermarks.TOPIC}
    assert owners == {
        "billing.subscriptions": {"subscriptions"},
        "billing.customers": {"subscriptions"},
        "billing.payments": {"payments"},
        "billing.invoicing": {"invoicing"},
    }


def test_each_service_with_a_relay_writes_watermarks_and_the_gateway_writes_nothing() -> None:
    assert users_who("Write", watermarks.TOPIC) == {"subscriptions", "payments", "invoicing"}
    assert not [entry for entry in required() if entry.user == "portal-gateway" and entry.operation == "Write"]


def test_each_service_reads_what_it_consumes_and_nothing_else() -> None:
    for each in SERVICE_CONSUMERS:
        user = NAMES[each.database]
        followed = {watermarks.TOPIC} if user == "portal-gateway" else set()
        assert {topic for topic in TOPICS if user in users_who("Read", topic)} == {*each.consumer.topics} | followed
        assert Access(user, "Read", "group", f"{user}.", "prefixed") in required()
        assert each.consumer.group.startswith(f"{user}.")


def test_the_command_prints_the_entries_without_a_cluster() -> None:
    lines = portalctl("topics", "acls")
    assert lines.exit_code == 0
    assert lines.stdout.splitlines() == [str(entry) for entry in required()]
    entries = json.loads(portalctl("topics", "acls", "--json").stdout)
    assert {
        "user": "payments",
        "operation": "Write",
        "resource": "topic",
        "name": "billing.payments",
        "pattern": "literal",
    } in entries
