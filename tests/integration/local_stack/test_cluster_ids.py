"""Kafka accepts every random cluster id."""

import uuid
from pathlib import Path

import pytest

from portalctl.local.kafka import KafkaServer
from portalctl.local.ports import free_port


async def test_a_cluster_id_that_starts_with_a_dash_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portalctl.local.kafka.uuid.uuid4", lambda: uuid.UUID(bytes=b"\xfb" + bytes(15)))
    port = free_port()
    server = KafkaServer(tmp_path, port, free_port({port}), tmp_path / "kafka.log")
    await server.prepare()
    assert server.cluster_id == "-" + "wAAAAAAAAAAAAAAAAAAAA"
