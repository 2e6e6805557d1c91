"""python -m billing_subscriber: create a dead-letter topic, show a subscriber's progress, send it back to the first event."""

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

_POLL_SECONDS = 1.0


class Refused(Exception):
    """The message is printed; the exit code is 2."""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "create-topic":
                return asyncio.run(create_topic(options.topic, options.kafka))
            case "status":
                return asyncio.run(status(load(options.subscription), options.wait))
            case _:
                return asyncio.run(replay(load(options.subscription), options.rebuild))
    except (Refused, GroupIsActive, LookupError, KafkaError, TimeoutError) as error:
        sys.stderr.write(f"{error.args[0] if error.args else type(error).__name__}\n")
        return 2


async def create_topic(name: str, bootstrap: str) -> int:
    """One partition, unlimited retention, and the replication factor of billing's topics."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(list(TOPICS))
        replicas = max((len(p["replicas"]) for topic in described for p in topic["partitions"]), default=0)
        if not replicas:
            raise Refused(f"{bootstrap} has none of billing's topics: is it the right Kafka?")
        response = await admin.create_topics([NewTopic(name, 1, replicas, topic_configs={"retention.ms": "-1"})])
        for error in response.to_object()["topic_errors"]:
            kind = for_code(error["error_code"])
            if error["error_code"] and kind is not TopicAlreadyExistsError:
                raise Refused(f"{name} was not created: {kind.__name__} {error['error_message'] or ''}")
    finally:
        await admin.close()
    return 0


async def status(subscription: Subscription, wait: float) -> int:
    """Exit code 0 if everything up to the services' watermarks is handled, 1 if not within `wait` seconds."""
    until = time.monotonic() + wait
    while True:
        services = await progress(subscription)
        behind = [each for each in services if not each.caught_up]
        if (services and not behind) or time.monotonic() > until:
            break
        await asyncio.sleep(_POLL_SECONDS)
    if not services:
        sys.stdout.write(f"no service has announced how far it has published {', '.join(subscription.topics)}\n")
    for each in services:
        handled = each.handled_until.isoformat() if each.handled_until else "long ago"
        sys.stdout.write(f"{each.service}: handled until {handled}, published until {each.announced_until.isoformat()}\n")
    return 0 if services and not behind else 1


async def replay(subscription: Subscription, rebuild: bool) -> int:
    """Restart at the first event. Handled events are not handled again, unless `rebuild` deletes their ids."""
    handler = subscription.handler
    await rewind(subscription)
    if rebuild:
        try:
            await handler.rebuild()
        finally:
            await handler.store.close()
    sys.stdout.write(f"{handler.group} begins at the first event when it starts\n")
    return 0


def load(name: str) -> Subscription:
    """The `Subscription` at `module:name`, imported from the working directory."""
    module, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())
    subscription = getattr(importlib.import_module(module), attribute or "subscription", None)
    if not isinstance(subscription, Subscription):
        raise Refused(f"{name} is not a Subscription, as returned by billing_subscriber.kafka.subscribe")
    return subscription


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m billing_subscriber", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create-topic", help="create a topic for dead letters; does nothing if it exists")
    create.add_argument("topic")
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    create.add_argument("--kafka", default=servers, required=servers is None, help="bootstrap servers")
    show = commands.add_parser("status", help="show up to which instant everything is handled")
    show.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="wait until it has caught up")
    again = commands.add_parser("replay", help="send a stopped subscriber back to the first event")
    again.add_argument("--rebuild", action="store_true", help="delete the ids of handled events, and run the on_rebuild function")
    for command in (show, again):
        command.add_argument("subscription", metavar="MODULE:NAME", help="the return value of subscribe()")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
