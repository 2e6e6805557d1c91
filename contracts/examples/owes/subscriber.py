"""Keeps the table of `owes.py` in owes.db.

python -m billing_subscriber create-topic examples.owes.dlq
faststream run subscriber:app
sqlite3 owes.db 'SELECT * FROM owes'
"""

import os

from faststream import FastStream
from faststream.kafka import KafkaBroker
from owes import SCHEMA, handler_of

from billing_subscriber.kafka import subscribe
from billing_subscriber.stores.sqlite import SqliteStore

broker = KafkaBroker(os.environ["KAFKA_BOOTSTRAP_SERVERS"])
subscription = subscribe(broker, handler_of(SqliteStore("owes.db", SCHEMA)), dead_letters="examples.owes.dlq")
app = FastStream(broker)
