-- Read models: one document per merchant, projection and aggregate.
CREATE TABLE projection (
    merchant_id uuid NOT NULL,
    name        text NOT NULL,
    aggregate   text NOT NULL,
    customer_id uuid,
    sequence    bigint NOT NULL,
    event_id    uuid, -- null when the event at sequence was discarded
    doc         jsonb,
    stale_since timestamptz,
    steps       bigint NOT NULL DEFAULT 0, -- by how much the last write raised sequence
    PRIMARY KEY (merchant_id, name, aggregate)
);
CREATE INDEX projection_by_customer ON projection (merchant_id, customer_id, name);
CREATE INDEX projection_api_keys ON projection USING gin ((doc -> 'api_keys') jsonb_path_ops) WHERE name = 'merchant';

-- Events that came before one that they follow.
CREATE TABLE waiting (
    merchant_id uuid NOT NULL,
    name        text NOT NULL,
    aggregate   text NOT NULL,
    sequence    bigint NOT NULL,
    event_id    uuid NOT NULL,
    envelope    text NOT NULL,
    since       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, name, aggregate, sequence)
);

-- How far each consumer group has read, in which log.
CREATE TABLE offsets (
    consumer_group text NOT NULL,
    topic          text NOT NULL,
    partition      int NOT NULL,
    cluster_id     text NOT NULL,
    topic_id       text NOT NULL,
    next           bigint NOT NULL,
    target         bigint NOT NULL, -- the log's end when reading began: the consumer has caught up once it got there
    moved_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, topic, partition)
);

-- What has been handled, once and for all.
CREATE TABLE inbox (
    consumer_group text NOT NULL,
    event_id       uuid NOT NULL,
    handled_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_handled PRIMARY KEY (consumer_group, event_id)
);

-- Records that could not be read or handled. A personal value is not kept: its length and digest are.
CREATE TABLE quarantine (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer_group text NOT NULL,
    topic          text NOT NULL,
    partition      int NOT NULL,
    record_offset  bigint NOT NULL,
    key            bytea,
    value          bytea,
    value_length   int,
    value_sha256   text NOT NULL,
    headers        jsonb NOT NULL, -- [[name, hex of the value], …]
    merchant_id    uuid,
    aggregate      text,
    error          text NOT NULL,
    state          text NOT NULL DEFAULT 'kept' CHECK (state IN ('kept', 'retry', 'discard', 'handled', 'discarded')),
    times          int NOT NULL DEFAULT 1,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    claimed_until  timestamptz,
    settled_at     timestamptz,
    CONSTRAINT quarantine_record UNIQUE (consumer_group, topic, partition, record_offset, value_sha256)
);
CREATE INDEX quarantine_open ON quarantine (consumer_group, state) WHERE state IN ('kept', 'retry', 'discard');

-- What the relays said: up to `instant` all that the service committed lies below `ends` of its topics.
CREATE TABLE watermark (
    service text NOT NULL,
    instant timestamptz NOT NULL,
    ends    jsonb NOT NULL,
    PRIMARY KEY (service, instant)
);

-- Up to which instant this database's consumers have read each service.
CREATE TABLE freshness (
    service text PRIMARY KEY,
    as_of   timestamptz NOT NULL
);
