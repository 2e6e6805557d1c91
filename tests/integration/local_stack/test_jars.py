"""Kafka's jars are downloaded by exact coordinates and verified by checksum."""

from dataclasses import replace
from pathlib import Path

import pytest

from portalctl.local.errors import StackError
from portalctl.local.jars import Jar, kafka_jars, locked_jars

SMALL = "slf4j-api"


@pytest.fixture
def jar() -> Jar:
    return next(jar for jar in locked_jars() if jar.artifact == SMALL)


def test_a_damaged_jar_in_the_cache_is_downloaded_again(tmp_path: Path, jar: Jar) -> None:
    (path,) = kafka_jars(tmp_path, [jar])
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    assert kafka_jars(tmp_path, [jar]) == [path]
    assert path.read_bytes() == whole
    assert [file.name for file in path.parent.iterdir()] == [jar.name]


def test_a_jar_with_another_checksum_is_refused_and_not_stored(tmp_path: Path, jar: Jar) -> None:
    with pytest.raises(StackError, match=r"does not match kafka-jars\.lock"):
        kafka_jars(tmp_path, [replace(jar, sha256="0" * 64)])
    assert list((tmp_path / "kafka-jars").iterdir()) == []


def test_a_jar_that_cannot_be_downloaded_is_named(tmp_path: Path, jar: Jar) -> None:
    with pytest.raises(StackError, match=r"slf4j-api-0\.0\.0-none\.jar of Apache Kafka could not be downloaded"):
        kafka_jars(tmp_path, [replace(jar, version="0.0.0-none")])
