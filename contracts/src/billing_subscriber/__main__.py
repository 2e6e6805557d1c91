"""python -m billing_subscriber: make a dead-letter topic, show how far a subscriber is, send it back to the first event."""

import argparse
import asyncio
import importlib
import os
import sys
import time

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from billing_contracts.registry import TOPICS
from billing_subscriber.kafka import Subscription
from billing_subscriber.progress import GroupIsActive, progress, rewind

_LOOK_EVERY = 1.0


class Refused(Exception):
    """Shown as one sentence; exit code 2."""


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        match given.command:
            case "create-topic":
                return asyncio.run(create_topic(given.topic, given.kafka))
            case "status":
                return asyncio.run(status(loaded(given.subscription), given.wait))
            case _:
                return asyncio.run(replay(loaded(given.subscription), given.rebuild))
    except (Refused, GroupIsActive, LookupError, KafkaError, TimeoutError) as error:
        sys.stderr.write(f"{error.args[0] if error.args else type(error).__name__}\n")
        return 2


async def create_topic(name: str, bootstrap: str) -> int:
    """One partition, kept for ever, with as many copies as the topics of billing."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(list(TOPICS))
        copies = max((len(p["replicas"]) for topic in described for p in topic["partitions"]), default=0)
        if not copies:
            raise Refused(f"{bootstrap} has none of billing's topics: is it the right Kafka?")
        answer = await admin.create_topics([NewTopic(name, 1, copies, topic_configs={"retention.ms": "-1"})])
        for error in answer.to_object()["topic_errors"]:
            kind = for_code(error["error_code"])
            if error["error_code"] and kind is not TopicAlreadyExistsError:
                raise Refused(f"{name} was not made: {kind.__name__} {error['error_message'] or ''}")
    finally:
        await admin.close()
    return 0


async def status(subscription: Subscription, wait: float) -> int:
    """Exit code 0 when everything that the services have announced is handled, 1 when not within `wait` seconds."""
    until = time.monotonic() + wait
    while True:
        found = await progress(subscription)
        behind = [each for each in found if not each.caught_up]
        if (found and not behind) or time.monotonic() > until:
            break
        await asyncio.sleep(_LOOK_EVERY)
    if not found:
        sys.stdout.write(f"no service has announced how far it has published {', '.join(subscription.topics)}\n")
    for each in found:
        handled = each.handled_until.isoformat() if each.handled_until else "long ago"
        sys.stdout.write(f"{each.service}: handled until {handled}, published until {each.announced_until.isoformat()}\n")
    return 0 if found and not behind else 1


async def replay(subscription: Subscription, rebuild: bool) -> int:
    """Back to the first event. What was handled is not handled again, unless `rebuild` forgets it."""
    handler = subscription.handler
    await rewind(subscription)
    if rebuild:
        try:
            await handler.rebuild()
        finally:
            await handler.store.close()
    sys.stdout.write(f"{handler.group} begins at the first event when it starts\n")
    return 0


def loaded(name: str) -> Subscription:
    """The `Subscription` that `module:name` names, from the working directory."""
    module, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())
    found = getattr(importlib.import_module(module), attribute or "subscription", None)
    if not isinstance(found, Subscription):
        raise Refused(f"{name} is not what billing_subscriber.kafka.subscribe returned")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m billing_subscriber", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create-topic", help="make a topic for dead letters; nothing happens when it exists")
    create.add_argument("topic")
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    create.add_argument("--kafka", default=servers, required=servers is None, help="bootstrap servers")
    show = commands.add_parser("status", help="show until when everything is handled")
    show.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="wait until it has caught up")
    again = commands.add_parser("replay", help="send a stopped subscriber back to the first event")
    again.add_argument("--rebuild", action="store_true", help="forget what was handled, and run the on_rebuild function")
    for command in (show, again):
        command.add_argument("subscription", metavar="MODULE:NAME", help="what subscribe() returned")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
