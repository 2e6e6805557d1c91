-- Disputes about charges, as the provider reported them.
CREATE TABLE dispute (
    merchant_id  uuid NOT NULL,
    dispute_id   uuid NOT NULL,
    invoice_id   uuid NOT NULL,
    customer_id  uuid NOT NULL,
    charge_id    uuid NOT NULL,
    reference    text NOT NULL, -- of the provider
    amount_minor bigint NOT NULL,
    currency     text NOT NULL,
    reason       text NOT NULL, -- a code of the provider
    inquiry      boolean NOT NULL, -- the bank only asks
    respond_by   timestamptz,   -- by the wall clock
    status       text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'won', 'lost', 'prevented', 'inquiry_closed')),
    returned     boolean NOT NULL DEFAULT false, -- whether the customer keeps the money
    opened_at    timestamptz NOT NULL, -- by the merchant's clock
    closed_at    timestamptz,          -- by the merchant's clock
    PRIMARY KEY (merchant_id, dispute_id)
);
CREATE INDEX dispute_of_merchant ON dispute (merchant_id, opened_at, dispute_id);
CREATE INDEX dispute_of_invoice ON dispute (merchant_id, invoice_id);

-- When the provider is requested for the charge's disputes, by the wall clock. None: when an event names the charge again.
ALTER TABLE attempt
    ADD COLUMN disputes_call_at timestamptz,
    ADD COLUMN disputes_calls int NOT NULL DEFAULT 0;
CREATE INDEX attempt_disputes_to_call ON attempt (disputes_call_at) WHERE disputes_call_at IS NOT NULL;
