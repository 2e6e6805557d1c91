-- Customers' profiles: the only personal data of this service but for comments. After an erasure only the id is left.
CREATE TABLE customers (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    revision    int NOT NULL,
    name        text,
    email       text,
    locale      text,
    country     text,
    tax_id      text,
    address     text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    erased_at   timestamptz,
    PRIMARY KEY (merchant_id, id)
);

-- Plans as they were published, to be listed.
CREATE TABLE plans (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    position    bigint GENERATED ALWAYS AS IDENTITY,
    doc         jsonb NOT NULL,
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX plans_in_order ON plans (merchant_id, position);

-- Whose each subscription is.
CREATE TABLE subscriptions (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    customer_id uuid NOT NULL,
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX subscriptions_of_customer ON subscriptions (merchant_id, customer_id);

-- Subscriptions whose current charge has no outcome yet.
CREATE TABLE open_sagas (
    merchant_id     uuid NOT NULL,
    subscription_id uuid NOT NULL,
    opened_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, subscription_id)
);

-- What customers said when they cancelled: erasable, and on no topic.
CREATE TABLE cancellation_comments (
    merchant_id     uuid NOT NULL,
    subscription_id uuid NOT NULL,
    customer_id     uuid NOT NULL,
    comment         text NOT NULL,
    written_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, subscription_id)
);
CREATE INDEX cancellation_comments_of_customer ON cancellation_comments (merchant_id, customer_id);
CREATE INDEX cancellation_comments_age ON cancellation_comments (written_at);

-- Pictures, as WebP; the id is the SHA-256 of the bytes.
CREATE TABLE media (
    merchant_id uuid NOT NULL,
    id          text NOT NULL,
    bytes       bytea NOT NULL,
    width       int NOT NULL,
    height      int NOT NULL,
    uploaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX media_by_id ON media (id);

-- Sandboxes' clocks on their way; a job without `finished_at` is taken up by any worker.
CREATE TABLE test_clock_jobs (
    merchant_id uuid PRIMARY KEY,
    target      timestamptz NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX test_clock_jobs_running ON test_clock_jobs (merchant_id) WHERE finished_at IS NULL;
