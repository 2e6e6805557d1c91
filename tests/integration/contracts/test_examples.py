"""The examples without the kit: the same records, faults and kills for each."""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGKILL
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer

from billing_contracts.registry import Topic
from billing_contracts.subscriptions import SubscriptionCancelled
from chassis.kafka_access import KafkaAccess
from portalctl import topics
from support.billing_records import message, record, tombstone
from support.consumer_events import producer, publish, until
from support.subscriber_environment import ROOT, SubscriberEnvironment, running

EXAMPLES = ROOT / "contracts" / "examples"
TOPIC = "billing.subscriptions"
NODE = 20


class Example:
    """`left`: the customers in the example's own storage, in order. `away`: nothing can be stored meanwhile."""

    command: Sequence[str | Path]
    folder: Path
    dead_letters: str
    environment: dict[str, str]

    def left(self) -> list[str]:
        raise NotImplementedError

    def away(self) -> AbstractContextManager[None]:
        raise NotImplementedError


@dataclass
class Aiokafka(Example):
    folder: Path
    newcomer: SubscriberEnvironment
    dead_letters: str = "crm.leavers.dlq"

    def __post_init__(self) -> None:
        self.command = [self.newcomer.python, EXAMPLES / "aiokafka" / "subscriber.py"]
        self.environment = self.newcomer.environment()

    def left(self) -> list[str]:
        with closing(sqlite3.connect(self.folder / "leavers.db", timeout=30)) as connection:
            table_exists = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'leavers'").fetchone()[0]
            return [row[0] for row in connection.execute("SELECT customer FROM leavers ORDER BY rowid")] if table_exists else []

    @contextmanager
    def away(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.folder / "leavers.db", timeout=30, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.execute("ROLLBACK")


@dataclass
class TypeScript(Example):
    folder: Path
    built: Path
    dead_letters: str = "crm.goodbyes.dlq"

    def __post_init__(self) -> None:
        self.command = ["node", self.built / "subscriber.js"]
        self.environment = SubscriberEnvironment(self.folder).environment(ASYNCAPI=str(ROOT / "contracts" / "asyncapi.yaml"))
        self.file = self.folder / "goodbyes.jsonl"

    def left(self) -> list[str]:
        return [json.loads(line)["customer"] for line in self.file.read_text().splitlines()] if self.file.is_file() else []

    @contextmanager
    def away(self) -> Iterator[None]:
        content = self.file.read_bytes() if self.file.exists() else b""
        self.file.unlink(missing_ok=True)
        self.file.mkdir()
        yield
        self.file.rmdir()
        self.file.write_bytes(content)


def missing_tools() -> str | None:
    """Why the TypeScript example cannot run here; None when it can."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "Node.js and npm are not installed"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return (
        None if int(version.lstrip("v").split(".")[0]) >= NODE else f"Node.js {NODE} or newer is needed, {version} is installed"
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The TypeScript example with what its lock file names, checked and compiled."""
    if reason := missing_tools():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("typescript") / "example"
    shutil.copytree(EXAMPLES / "typescript", folder, ignore=shutil.ignore_patterns("node_modules", "*.js"))
    for words in (["ci", "--prefer-offline", "--no-audit", "--no-fund"], ["run", "build"]):
        done = subprocess.run(["npm", *words], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def aiokafka(newcomer: SubscriberEnvironment, tmp_path: Path) -> Example:
    return Aiokafka(tmp_path, newcomer)


@pytest.fixture
def typescript(built: Path, tmp_path: Path) -> Example:
    return TypeScript(tmp_path, built)


async def test_the_example_in_plain_aiokafka_loses_and_doubles_nothing(aiokafka: Example, kafka: str) -> None:
    await loses_and_doubles_nothing(aiokafka, kafka)


async def test_the_example_in_typescript_loses_and_doubles_nothing(typescript: Example, kafka: str) -> None:
    await loses_and_doubles_nothing(typescript, kafka)


async def loses_and_doubles_nothing(it: Example, kafka: str) -> None:
    await topics.apply(KafkaAccess(kafka), {it.dead_letters: Topic(it.dead_letters, partitions=1)})
    customers = [str(uuid4()) for _ in range(5)]
    subject = f"subscription-{uuid4()}"
    events = [
        record(message(SubscriptionCancelled, customerid=customer, subject=subject, sequence=number))
        for number, customer in enumerate(customers, 1)
    ]
    unknown = record(message(SubscriptionCancelled, type="billing.subscriptions.SubscriptionMoved.v1", subject=subject))
    bad = replace(events[0], value=b'{"not": "an event"}')
    wrong = replace(events[0], value=(events[0].value or b"").replace(b'"effective_at"', b'"effective"'))
    nothing = replace(tombstone(uuid4(), uuid4(), topic=TOPIC), key=events[0].key)
    environment = {**it.environment, "KAFKA_BOOTSTRAP_SERVERS": kafka}

    def left() -> list[str]:
        return [customer for customer in it.left() if customer in customers]

    async with producer(kafka) as to:
        await publish(to, TOPIC, [events[0]] * 1000)
        async with running(*it.command, cwd=it.folder, env=environment) as process:
            await process.until(lambda: left() == customers[:1])
            await publish(to, TOPIC, [unknown, bad, wrong, nothing, events[1]])
            await process.until(lambda: left() == customers[:2])
            with it.away():
                await publish(to, TOPIC, [events[2]])
                await process.until(lambda: sum("failed" in line for line in process.errors) >= 2)
            await process.until(lambda: left() == customers[:3])
            await publish(to, TOPIC, [events[3]])
            await process.stop(SIGKILL)
        await publish(to, TOPIC, [events[3], events[4]])
        async with running(*it.command, cwd=it.folder, env=environment) as process:
            await process.until(lambda: left() == customers)
            assert await process.stop() == 0
    assert left() == customers
    letters = await dead_letters(kafka, it.dead_letters, events[0].key)
    assert [value for value, _ in letters] == [bad.value, wrong.value, b""]
    assert {headers["dead_letter_topic"] for _, headers in letters} == {TOPIC.encode()}
    assert all(headers.keys() >= {"dead_letter_reason", "dead_letter_offset"} for _, headers in letters)
    assert letters[0][1]["ce_id"] == dict(events[0].headers)["ce_id"]


async def dead_letters(kafka: str, topic: str, key: bytes | None) -> list[tuple[bytes | None, dict[str, bytes]]]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    letters: list[tuple[bytes | None, dict[str, bytes]]] = []

    async def three() -> bool:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            letters.extend((each.value, dict(each.headers)) for each in records if each.key == key)
        return len(letters) >= 3

    try:
        await until(three)
    finally:
        await consumer.stop()
    return letters


def test_the_lock_file_pins_contents_and_names_no_address() -> None:
    text = (EXAMPLES / "typescript" / "package-lock.json").read_text()
    packages = [it for name, it in json.loads(text)["packages"].items() if name]
    assert all("integrity" in it and "resolved" not in it for it in packages)
    assert "registry" not in text
