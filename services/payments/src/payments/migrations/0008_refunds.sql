-- One row per refund. Committed before the provider is called; requested again until its outcome is known.
CREATE TABLE refund (
    merchant_id  uuid NOT NULL,
    refund_id    uuid NOT NULL,
    invoice_id   uuid NOT NULL,
    customer_id  uuid NOT NULL,
    charge_id    uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency     text NOT NULL,
    reason       text NOT NULL,
    status       text NOT NULL DEFAULT 'requested' CHECK (status IN ('requested', 'made', 'failed')),
    reference    text,
    code         text,                 -- of the provider, when it refused
    requested_at timestamptz NOT NULL, -- by the merchant's clock
    ended_at     timestamptz,          -- by the merchant's clock
    call_at      timestamptz NOT NULL DEFAULT now(), -- when the provider is called next, by the wall clock
    calls        int NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, refund_id)
);
CREATE INDEX refund_of_invoice ON refund (merchant_id, invoice_id);
CREATE INDEX refund_to_call ON refund (call_at) WHERE status = 'requested';

-- The sandbox's refunds may be partial: several of one charge. A row without an id is of the previous release: the whole charge.
ALTER TABLE sandbox_refund
    ADD COLUMN refund_id uuid,
    ADD COLUMN amount_minor bigint,
    ADD COLUMN outcome text NOT NULL DEFAULT 'made' CHECK (outcome IN ('made', 'refused')),
    ADD COLUMN answers_at timestamptz NOT NULL DEFAULT now(), -- before that the provider reports that it is under way
    DROP CONSTRAINT sandbox_refund_pkey;
CREATE UNIQUE INDEX sandbox_refund_once ON sandbox_refund (merchant_id, (coalesce(refund_id, charge_id)));
CREATE INDEX sandbox_refund_of_charge ON sandbox_refund (merchant_id, charge_id);

-- What becomes of a refund to the card: refused, or under way for a moment.
ALTER TABLE sandbox_method ADD COLUMN on_refund text CHECK (on_refund IN ('refused', 'underway'));
