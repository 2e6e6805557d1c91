-- Which server's transaction ids the events carry. A number higher than the last is added when the database finds itself
-- on another server (dump and restore): there ids begin anew, below those that came along.
CREATE TABLE epoch (
    number            int PRIMARY KEY,
    system_identifier bigint NOT NULL,
    since             timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION current_epoch() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    here CONSTANT bigint := (SELECT system_identifier FROM pg_control_system());
    last epoch;
BEGIN
    SELECT * INTO last FROM epoch ORDER BY number DESC LIMIT 1;
    IF last.system_identifier = here THEN
        RETURN last.number;
    END IF;
    INSERT INTO epoch (number, system_identifier) VALUES (coalesce(last.number, 0) + 1, here) ON CONFLICT DO NOTHING;
    RETURN coalesce(last.number, 0) + 1;
END
$$;
SELECT current_epoch();

-- The event store, which is also the outbox: what happened, and the message that says so.
CREATE TABLE events (
    epoch       int NOT NULL,
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    position    bigint GENERATED ALWAYS AS IDENTITY,
    merchant_id uuid NOT NULL,
    stream      text NOT NULL,
    version     int NOT NULL CHECK (version > 0),
    event_id    uuid NOT NULL,
    name        text NOT NULL,
    schema      smallint NOT NULL,
    body        json NOT NULL,
    topic       text NOT NULL,
    headers     json NOT NULL,
    value       bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT events_in_cursor_order PRIMARY KEY (epoch, xid, position),
    CONSTRAINT events_version_taken UNIQUE (merchant_id, stream, version),
    CONSTRAINT events_id UNIQUE (event_id)
);

-- What callers were told, for those who ask again.
CREATE TABLE idempotency (
    merchant_id uuid NOT NULL,
    subject     text NOT NULL,
    route       text NOT NULL,
    key         text NOT NULL,
    fingerprint text NOT NULL,
    status      smallint NOT NULL,
    answer      json NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_answered PRIMARY KEY (merchant_id, subject, route, key)
);
CREATE INDEX idempotency_age ON idempotency USING brin (answered_at);

-- What aggregates wait for, by their merchant's clock.
CREATE TABLE timers (
    merchant_id  uuid NOT NULL,
    kind         text NOT NULL,
    id           uuid NOT NULL,
    name         text NOT NULL,
    due_at       timestamptz NOT NULL,
    leased_until timestamptz,
    PRIMARY KEY (merchant_id, kind, id, name)
);
CREATE INDEX timers_due ON timers (merchant_id, due_at);

-- States for compacted topics; a row is deleted once it has been sent.
CREATE TABLE outbox (
    position   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic      text NOT NULL,
    key        bytea NOT NULL,
    value      bytea,
    headers    json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- How far the relay has come, and where each topic's partitions ended then: {"<topic>": {"<partition>": <next offset>}}.
CREATE TABLE relay (
    one_row  boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    epoch    int NOT NULL DEFAULT 0,
    xid      xid8 NOT NULL DEFAULT '0',
    position bigint NOT NULL DEFAULT 0,
    ends     json NOT NULL DEFAULT '{}',
    moved_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO relay DEFAULT VALUES;
