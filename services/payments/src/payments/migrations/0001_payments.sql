-- Cards on file, as the wallets' events left them.
CREATE TABLE payment_method (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    customer_id uuid NOT NULL,
    brand       text NOT NULL,
    last4       text NOT NULL CHECK (last4 ~ '^[0-9]{4}$'),
    exp_month   smallint NOT NULL,
    exp_year    smallint NOT NULL,
    is_default  boolean NOT NULL,
    added_at    timestamptz NOT NULL, -- by the merchant's clock
    removed_at  timestamptz,
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX payment_method_of_customer ON payment_method (merchant_id, customer_id);
CREATE UNIQUE INDEX payment_method_default ON payment_method (merchant_id, customer_id) WHERE is_default;

-- Every invoice that was issued, and whether it still is to be collected.
CREATE TABLE collection (
    merchant_id     uuid NOT NULL,
    invoice_id      uuid NOT NULL,
    customer_id     uuid NOT NULL,
    subscription_id uuid NOT NULL,
    number          text NOT NULL,
    amount_minor    bigint NOT NULL,
    currency        text NOT NULL,
    issued_at       timestamptz NOT NULL, -- by the merchant's clock
    state           text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'void', 'uncollectible')),
    paid_charge     uuid,
    refunded_at     timestamptz,
    refund_call_at  timestamptz NOT NULL DEFAULT now(), -- when a refund that is owed is to be asked for, by the wall clock
    refund_calls    int NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, invoice_id)
);
CREATE INDEX collection_due ON collection (merchant_id, customer_id) WHERE state = 'open' AND paid_charge IS NULL;
CREATE INDEX collection_refund ON collection (refund_call_at) WHERE state = 'void' AND paid_charge IS NOT NULL AND refunded_at IS NULL;

-- One row per charge. Committed before the provider is asked; what is open or unknown is asked until it is known.
CREATE TABLE attempt (
    merchant_id  uuid NOT NULL,
    charge_id    uuid NOT NULL,
    invoice_id   uuid NOT NULL,
    customer_id  uuid NOT NULL,
    number       int NOT NULL,
    amount_minor bigint NOT NULL,
    currency     text NOT NULL,
    method_id    uuid,
    brand        text,
    last4        text,
    status       text NOT NULL CHECK (status IN ('open', 'unknown', 'succeeded', 'failed')),
    code         text,
    reference    text,
    started_at   timestamptz NOT NULL, -- by the merchant's clock
    ended_at     timestamptz,          -- by the merchant's clock
    call_at      timestamptz NOT NULL DEFAULT now(), -- when the provider is to be asked, by the wall clock
    calls        int NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, charge_id)
);
CREATE UNIQUE INDEX attempt_open ON attempt (merchant_id, invoice_id) WHERE status IN ('open', 'unknown');
CREATE UNIQUE INDEX attempt_succeeded ON attempt (merchant_id, invoice_id) WHERE status = 'succeeded';
CREATE INDEX attempt_of_invoice ON attempt (merchant_id, invoice_id, number);
CREATE INDEX attempt_to_call ON attempt (call_at) WHERE status IN ('open', 'unknown');

-- A customer agreed to pay this invoice with this card while another charge for it was still open.
CREATE TABLE agreed_charge (
    merchant_id uuid NOT NULL,
    invoice_id  uuid NOT NULL,
    customer_id uuid NOT NULL,
    method_id   uuid NOT NULL,
    call_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, invoice_id)
);

-- Openings of the card page. Times by the wall clock.
CREATE TABLE setup (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    customer_id uuid NOT NULL,
    session     text,
    locale      text NOT NULL,
    colour      text,
    due         jsonb NOT NULL, -- [{"invoice_id", "number", "amount_minor", "currency"}]
    opened_at   timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    PRIMARY KEY (merchant_id, id)
);
CREATE UNIQUE INDEX setup_id ON setup (id);
CREATE INDEX setup_of_customer ON setup (merchant_id, customer_id, opened_at);

-- Cards that a provider did not accept, to slow down who tries many. Times by the wall clock.
CREATE TABLE card_refusal (
    merchant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    refused_at  timestamptz NOT NULL DEFAULT now(),
    code        text NOT NULL
);
CREATE INDEX card_refusal_of_customer ON card_refusal (merchant_id, customer_id, refused_at);
