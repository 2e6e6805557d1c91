-- Stripe's names for what this service knows. A row is inserted once; who loses the race reads the winner's row.
-- A merchant's test and live account may both hold the same customer.
CREATE TABLE stripe_customer (
    merchant_id uuid NOT NULL,
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    customer_id uuid NOT NULL,
    reference   text NOT NULL, -- cus_…
    PRIMARY KEY (merchant_id, mode, customer_id)
);

CREATE TABLE stripe_setup (
    merchant_id uuid NOT NULL,
    setup_id    uuid NOT NULL,
    customer_id uuid NOT NULL,
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    customer    text NOT NULL, -- cus_…
    reference   text NOT NULL, -- seti_…
    PRIMARY KEY (merchant_id, setup_id)
);

CREATE TABLE stripe_method (
    merchant_id  uuid NOT NULL,
    id           uuid NOT NULL,
    customer_id  uuid NOT NULL,
    mode         text NOT NULL CHECK (mode IN ('live', 'test')),
    customer     text NOT NULL, -- cus_…, to which it is attached
    reference    text NOT NULL, -- pm_…
    fingerprint  text,          -- the same for the same card number within one account
    forgotten_at timestamptz,   -- by the wall clock; it is not charged any more
    PRIMARY KEY (merchant_id, id)
);
CREATE UNIQUE INDEX stripe_method_reference ON stripe_method (merchant_id, reference);

-- The one payment intent of a charge: only a stored intent is ever confirmed.
CREATE TABLE stripe_intent (
    merchant_id   uuid NOT NULL,
    charge_id     uuid NOT NULL,
    mode          text CHECK (mode IN ('live', 'test')),
    reference     text, -- pi_…; NULL: the charge ended before there was one
    code          text, -- why the charge was refused, as first reported
    remedy        text,
    provider_code text,
    created_at    timestamptz NOT NULL DEFAULT now(), -- by the wall clock
    PRIMARY KEY (merchant_id, charge_id),
    CHECK ((reference IS NULL) = (mode IS NULL)),
    CHECK (reference IS NOT NULL OR code IS NOT NULL)
);
CREATE UNIQUE INDEX stripe_intent_reference ON stripe_intent (merchant_id, reference);

-- Idempotency keys under which Stripe remembers an error of its own. The next request uses the key with this number.
CREATE TABLE stripe_broken (
    merchant_id uuid NOT NULL,
    mode        text NOT NULL CHECK (mode IN ('live', 'test')),
    key         text NOT NULL,
    times       int NOT NULL,
    PRIMARY KEY (merchant_id, mode, key)
);
