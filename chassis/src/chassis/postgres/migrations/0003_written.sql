-- Rows as writers send them: an array of these is one parameter, however many columns it fills.
CREATE TYPE written_event AS (
    merchant_id uuid,
    stream      text,
    version     int,
    event_id    uuid,
    name        text,
    schema      smallint,
    body        json,
    topic       text,
    headers     json,
    value       bytea
);
CREATE TYPE written_answer AS (
    merchant_id uuid,
    subject     text,
    route       text,
    key         text,
    fingerprint text,
    status      smallint,
    answer      json
);
CREATE TYPE written_inbox AS (
    consumer_group text,
    event_id       uuid
);
CREATE TYPE written_timer AS (
    merchant_id uuid,
    kind        text,
    id          uuid,
    name        text,
    due_at      timestamptz
);
