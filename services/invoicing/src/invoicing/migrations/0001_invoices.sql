-- Invoices as they are listed, printed and exported: always in agreement with their streams.
CREATE TABLE invoices (
    merchant_id     uuid NOT NULL,
    id              uuid NOT NULL,
    customer_id     uuid NOT NULL,
    subscription_id uuid NOT NULL,
    period_start    timestamptz NOT NULL,
    version         int NOT NULL,
    series          text NOT NULL,
    ordinal         int NOT NULL CHECK (ordinal > 0),
    issued_on       date NOT NULL,
    issued          json NOT NULL, -- the event, never changed
    schema          smallint NOT NULL, -- the version of its shape
    status          text NOT NULL CHECK (status IN ('open', 'paid', 'void')),
    settled_at      timestamptz, -- when it was paid or voided
    card            json,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, subscription_id, period_start),
    UNIQUE (merchant_id, series, ordinal)
);
CREATE INDEX invoices_by_customer ON invoices (merchant_id, customer_id, issued_on DESC, ordinal DESC, id DESC);
CREATE INDEX invoices_by_date ON invoices (merchant_id, issued_on DESC, ordinal DESC, id DESC);

-- The last number of each merchant's series, and its date: numbers have no gap, dates never go back.
CREATE TABLE series (
    merchant_id    uuid NOT NULL,
    name           text NOT NULL,
    last           int NOT NULL,
    last_issued_on date NOT NULL,
    PRIMARY KEY (merchant_id, name)
);

-- Renewals that cannot be invoiced yet: the customer's revision, or the merchant, is not known here.
CREATE TABLE parked_issues (
    merchant_id     uuid NOT NULL,
    invoice_id      uuid NOT NULL,
    customer_id     uuid NOT NULL,
    subscription_id uuid NOT NULL,
    envelope        text NOT NULL,
    position        bigint GENERATED ALWAYS AS IDENTITY,
    since           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, invoice_id)
);
CREATE INDEX parked_issues_by_customer ON parked_issues (merchant_id, customer_id);
CREATE INDEX parked_issues_by_subscription ON parked_issues (merchant_id, subscription_id);

-- What was owed and paid, one row per fact. Amounts in minor units: positive is owed, negative is paid.
CREATE TABLE movements (
    merchant_id uuid NOT NULL,
    source      uuid NOT NULL, -- the same fact, the same row
    customer_id uuid NOT NULL,
    invoice_id  uuid NOT NULL,
    position    bigint GENERATED ALWAYS AS IDENTITY,
    kind        text NOT NULL CHECK (kind IN ('invoice', 'payment', 'failed_attempt', 'refund', 'void')),
    at          timestamptz NOT NULL,
    total       bigint NOT NULL,
    currency    text NOT NULL,
    net         bigint,
    tax         bigint,
    status      text,
    brand       text,
    last4       text,
    reason      text,
    reference   text,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, source)
);
CREATE INDEX movements_by_customer ON movements (merchant_id, customer_id, position);
CREATE INDEX movements_by_invoice ON movements (merchant_id, invoice_id, position);

-- Whom each invoice was made out to, as ciphertext under the customer's key; without its key nobody can read it again.
CREATE TABLE bill_to (
    merchant_id uuid NOT NULL,
    invoice_id  uuid NOT NULL,
    customer_id uuid NOT NULL,
    sealed      bytea NOT NULL,
    PRIMARY KEY (merchant_id, invoice_id)
);
CREATE TABLE customer_keys (
    merchant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    wrapped     bytea NOT NULL, -- under the key-encryption key
    PRIMARY KEY (merchant_id, customer_id)
);

-- Who is downloading their history right now. A process that died gives its place back when the lease ends.
CREATE TABLE running_exports (
    merchant_id  uuid NOT NULL,
    customer_id  uuid NOT NULL,
    holder       uuid NOT NULL,
    leased_until timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, customer_id)
);
