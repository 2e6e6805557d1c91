-- The sandbox provider's own books, which nothing of the service reads but through the provider. No number, no code.
CREATE TABLE sandbox_method (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    customer_id uuid, -- none before it is saved
    brand       text NOT NULL,
    last4       text NOT NULL,
    exp_month   smallint NOT NULL,
    exp_year    smallint NOT NULL,
    on_setup    text, -- why it is refused when it is saved
    on_charge   text, -- why it is refused when it is charged
    PRIMARY KEY (merchant_id, id)
);

CREATE TABLE sandbox_token (
    merchant_id uuid NOT NULL,
    sha256      text NOT NULL,
    setup_id    uuid NOT NULL,
    method_id   uuid NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, sha256)
);

CREATE TABLE sandbox_charge (
    merchant_id  uuid NOT NULL,
    charge_id    uuid NOT NULL,
    customer_id  uuid,
    method_id    uuid,
    amount_minor bigint,
    currency     text,
    code         text, -- why it was refused; none: the money was taken
    reference    text NOT NULL,
    answers_at   timestamptz NOT NULL, -- before that the provider says that it is pending
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, charge_id)
);

CREATE TABLE sandbox_refund (
    merchant_id uuid NOT NULL,
    charge_id   uuid NOT NULL,
    reference   text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, charge_id)
);

-- How it is to misbehave, for a merchant or for one of its customers.
CREATE TABLE sandbox_behaviour (
    merchant_id uuid NOT NULL,
    customer_id uuid,
    mode        text NOT NULL CHECK (mode IN ('normal', 'hang', 'late', 'lose')),
    seconds     double precision NOT NULL,
    UNIQUE NULLS NOT DISTINCT (merchant_id, customer_id)
);
