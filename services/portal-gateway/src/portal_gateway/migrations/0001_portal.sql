-- Who may come in. Of a link's and of a session's secret only a hash is kept.
CREATE TABLE portal_link (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    customer_id uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('portal', 'session')),
    pepper      text NOT NULL,
    digest      bytea NOT NULL,
    flow        text,
    locale      text,
    return_url  text,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    revoked_at  timestamptz,
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX portal_link_presented ON portal_link (id);
CREATE INDEX portal_link_customer ON portal_link (merchant_id, customer_id);

CREATE TABLE portal_session (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    customer_id uuid NOT NULL,
    link_id     uuid NOT NULL,
    digest      bytea NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, link_id) REFERENCES portal_link ON DELETE CASCADE
);
CREATE INDEX portal_session_presented ON portal_session (digest);
CREATE INDEX portal_session_link ON portal_session (merchant_id, link_id);

-- What a customer sees, composed anew whenever any of it changes. `panes`: the revision at which each pane last changed.
CREATE TABLE customer_view (
    merchant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    revision    bigint NOT NULL DEFAULT 0,
    doc         json,
    panes       json NOT NULL DEFAULT '{}',
    PRIMARY KEY (merchant_id, customer_id)
);
CREATE INDEX projection_history ON projection (merchant_id, customer_id, (doc ->> 'issued_on') DESC, (doc ->> 'number') DESC)
    WHERE name = 'invoice';

-- What a service has accepted and Kafka has not brought yet.
CREATE TABLE accepted_command (
    merchant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    aggregate   text NOT NULL,
    version     int NOT NULL,
    kind        text NOT NULL,
    detail      json NOT NULL,
    accepted_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, customer_id, aggregate, version, kind)
);

-- How often who did what of late, and who is at it now.
CREATE TABLE use_of_limit (
    name text NOT NULL,
    who  text NOT NULL,
    uses timestamptz[] NOT NULL,
    PRIMARY KEY (name, who)
);

CREATE TABLE one_at_a_time (
    name  text NOT NULL,
    who   text NOT NULL,
    run   uuid NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, who)
);

-- Images by the hash of their bytes: nobody's in particular.
CREATE TABLE image (
    sha256  text PRIMARY KEY,
    content bytea NOT NULL
);
