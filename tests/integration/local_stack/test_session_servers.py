"""The fixtures with shared servers."""

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from support.databases import ServiceDatabase


async def test_a_service_role_owns_nothing_and_its_transactions_cannot_last(database: ServiceDatabase) -> None:
    connection = await asyncpg.connect(database.url)
    try:
        assert await connection.fetchval("SHOW transaction_timeout") == "5s"
        assert await connection.fetchval("SHOW lock_timeout") == "500ms"
        assert not await connection.fetchval("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert not await connection.fetchval("SELECT has_schema_privilege('public', 'CREATE')")
    finally:
        await connection.close()


async def test_the_owner_role_can_create_tables(database: ServiceDatabase) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute("CREATE TABLE t (id uuid DEFAULT uuidv7())")
        assert await connection.fetchval("INSERT INTO t DEFAULT VALUES RETURNING id")
    finally:
        await connection.close()


async def test_the_broker_accepts_idempotent_messages_on_a_created_topic(kafka_bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic("session-servers", 1, 1)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        sent = await producer.send_and_wait("session-servers", b"hello")
    finally:
        await producer.stop()
    assert sent.offset == 0
