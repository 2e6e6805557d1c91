-- A card set-up that pays this invoice with a card that is not stored. NULL: the card becomes the default.
ALTER TABLE setup ADD COLUMN pays_invoice uuid;
-- Cards that were declined for a one-time payment count for its invoice. NULL: for the customer.
ALTER TABLE card_refusal ADD COLUMN invoice_id uuid;

-- Cards for one payment that the provider has not forgotten yet. Times by the wall clock.
CREATE TABLE one_time_method (
    merchant_id uuid NOT NULL,
    method_id   uuid NOT NULL,
    customer_id uuid NOT NULL,
    invoice_id  uuid NOT NULL,
    provider    text NOT NULL,
    call_at     timestamptz NOT NULL,
    calls       int NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, method_id)
);
CREATE INDEX one_time_method_to_forget ON one_time_method (call_at);
