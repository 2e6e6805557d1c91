"""The table of faults: which errors of PostgreSQL, Kafka, HTTP clients and networks are transient, and which are final.

It covers every exception class of asyncpg, aiokafka and httpx; a test enumerates them.
"""

from collections.abc import Mapping
from enum import Enum

import aiokafka.errors as kafka
import httpx
from asyncpg import exceptions as postgres
from asyncpg.exceptions import _base as client
from asyncpg.pgproto import pgproto

from chassis.eventsourcing.event_store import StoreAway, StoreBusy


class Kind(Enum):
    """A repetition of the same work can succeed after a transient fault, and fails again after a final one."""

    TRANSIENT = "transient"
    FINAL = "final"


TRANSIENT, FINAL = Kind.TRANSIENT, Kind.FINAL

SQLSTATES: Mapping[str, Kind] = {
    "03": FINAL,
    "08": TRANSIENT,  # connection
    "09": FINAL,
    "0A": FINAL,
    "0B": FINAL,
    "0F": FINAL,
    "0L": FINAL,
    "0P": FINAL,
    "0Z": FINAL,
    "10": FINAL,
    "20": FINAL,
    "21": FINAL,
    "22": FINAL,  # invalid data
    "23": FINAL,  # constraints
    "24": FINAL,
    "25": FINAL,
    "25006": TRANSIENT,  # read-only: the server became a standby
    "25P03": TRANSIENT,  # idle in a transaction for too long
    "25P04": TRANSIENT,  # transaction for too long
    "26": TRANSIENT,  # unknown prepared statement: a proxy switched servers
    "27": FINAL,
    "28": TRANSIENT,  # authorization: being deployed
    "2B": FINAL,
    "2D": FINAL,
    "2F": FINAL,
    "34": FINAL,
    "38": FINAL,
    "39": FINAL,
    "3B": FINAL,
    "3D": TRANSIENT,  # no such database: being deployed
    "3F": TRANSIENT,  # no such schema: being deployed
    "40": TRANSIENT,  # serialization, deadlock
    "42": FINAL,
    "42501": TRANSIENT,  # privilege: being deployed
    "42703": TRANSIENT,  # column: being deployed
    "42704": TRANSIENT,  # type: being deployed
    "42883": TRANSIENT,  # function: being deployed
    "42P01": TRANSIENT,  # table: being deployed
    "42P05": TRANSIENT,  # duplicate prepared statement: a proxy switched servers
    "44": FINAL,
    "53": TRANSIENT,  # memory, disk, connections
    "54": FINAL,  # program limits, such as a statement that is too large
    "55": FINAL,
    "55000": TRANSIENT,  # connections are not accepted at the moment
    "55006": TRANSIENT,  # object in use
    "55P03": TRANSIENT,  # lock timeout
    "57": TRANSIENT,  # cancelled, shut down, starting
    "58": TRANSIENT,  # input and output errors of the server
    "72": TRANSIENT,
    "F0": TRANSIENT,  # the server's configuration
    "HV": FINAL,
    "P0": FINAL,
    "XX": TRANSIENT,  # internal: recovery, concurrent catalogue changes
    "XX001": FINAL,  # data corrupted
    "XX002": FINAL,  # index corrupted
}
"""By SQLSTATE. A full code takes precedence over its class, the first two characters."""

CLASSES: Mapping[type[BaseException], Kind] = {
    # asyncpg: errors of the client
    postgres.InvalidCachedStatementError: TRANSIENT,  # shares its SQLSTATE with another error; the statement is prepared again
    client.InterfaceError: TRANSIENT,  # closed, closing, another operation in progress
    client.DataError: FINAL,  # an argument that cannot be encoded
    client.ClientConfigurationError: FINAL,
    client.UnsupportedClientFeatureError: FINAL,
    client.UnsupportedServerFeatureError: FINAL,
    client.InterfaceWarning: FINAL,
    client.InternalClientError: TRANSIENT,  # after a lost connection the protocol can be in an unexpected state
    client.OutdatedSchemaCacheError: TRANSIENT,
    client.ProtocolError: TRANSIENT,
    client.TargetServerAttributeNotMatched: TRANSIENT,  # no primary at the moment
    pgproto.BufferError: TRANSIENT,
    postgres.PostgresWarning: FINAL,
    # aiokafka: errors of the client, then of brokers
    kafka.KafkaError: TRANSIENT,
    kafka.AuthenticationFailedError: TRANSIENT,  # being deployed
    kafka.AuthenticationMethodNotSupported: FINAL,
    kafka.Cancelled: TRANSIENT,
    kafka.CommitFailedError: TRANSIENT,
    kafka.CorrelationIdError: TRANSIENT,
    kafka.ConsumerStoppedError: TRANSIENT,
    kafka.IllegalArgumentError: FINAL,
    kafka.IllegalOperation: FINAL,
    kafka.IllegalStateError: TRANSIENT,  # a partition that was just revoked
    kafka.IncompatibleBrokerVersion: FINAL,
    kafka.KafkaConfigurationError: FINAL,
    kafka.KafkaConnectionError: TRANSIENT,
    kafka.KafkaProtocolError: TRANSIENT,
    kafka.KafkaTimeoutError: TRANSIENT,
    kafka.KafkaUnavailableError: TRANSIENT,
    kafka.MetadataEmptyBrokerList: TRANSIENT,
    kafka.NoBrokersAvailable: TRANSIENT,
    kafka.NoOffsetForPartitionError: TRANSIENT,
    kafka.NodeNotReadyError: TRANSIENT,
    kafka.ProducerClosed: TRANSIENT,
    kafka.ProducerFenced: TRANSIENT,
    kafka.QuotaViolationError: TRANSIENT,
    kafka.RecordTooLargeError: TRANSIENT,  # until the limits are raised; no event is skipped
    kafka.StaleMetadata: TRANSIENT,
    kafka.TooManyInFlightRequests: TRANSIENT,
    kafka.UnrecognizedBrokerVersion: FINAL,
    kafka.UnsupportedCodecError: TRANSIENT,  # the topic's setting may be corrected
    kafka.BrokerResponseError: TRANSIENT,
    # httpx
    httpx.TransportError: TRANSIENT,
    httpx.RequestError: FINAL,
    httpx.HTTPStatusError: FINAL,
    httpx.InvalidURL: FINAL,
    httpx.CookieConflict: FINAL,
    httpx.StreamError: FINAL,
    # networks
    OSError: TRANSIENT,
    EOFError: TRANSIENT,
    StoreBusy: TRANSIENT,
    StoreAway: TRANSIENT,
}
"""By class, for errors without a SQLSTATE. The nearest base class decides."""
