-- A row means: this database was restored from a backup and has not been compared with the topics yet. `serve` refuses to start.
CREATE TABLE IF NOT EXISTS restoration (
    one_row     boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    restored_at timestamptz NOT NULL DEFAULT now(),
    note        text NOT NULL DEFAULT ''
);

-- Streams of which the topics know more than the store, or something else. No event is appended to them before a release.
CREATE TABLE blocked_streams (
    merchant_id   uuid NOT NULL,
    stream        text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('topic ahead', 'fork')),
    store_version int NOT NULL, -- the stream's last version in the restored store; 0: the store did not have the stream
    topic_version int NOT NULL,
    blocked_at    timestamptz NOT NULL DEFAULT now(),
    released_at   timestamptz,
    reason        text, -- why an operator released it
    PRIMARY KEY (merchant_id, stream)
);

-- The owner creates the trigger while streams are blocked, so that it costs nothing otherwise.
CREATE FUNCTION refuse_blocked_stream() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM blocked_streams
        WHERE merchant_id = NEW.merchant_id AND stream = NEW.stream AND released_at IS NULL
    ) THEN
        RAISE EXCEPTION 'the stream % is blocked', NEW.stream USING ERRCODE = 'check_violation', CONSTRAINT = 'stream_blocked';
    END IF;
    RETURN NEW;
END
$$;
