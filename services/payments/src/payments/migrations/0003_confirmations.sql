-- What an invoice is for, and which confirmation a charge that was agreed to follows from.
ALTER TABLE collection ADD COLUMN period_start timestamptz, ADD COLUMN period_end timestamptz;
ALTER TABLE agreed_charge ADD COLUMN confirmation_id uuid, ADD COLUMN confirmed_at timestamptz; -- by the merchant's clock

-- Payments asked for with a card on file, to limit them. Times by the wall clock.
CREATE TABLE asked_payment (
    merchant_id uuid NOT NULL,
    charge_id   uuid NOT NULL,
    invoice_id  uuid NOT NULL,
    customer_id uuid NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, charge_id)
);
CREATE INDEX asked_payment_of_invoice ON asked_payment (merchant_id, invoice_id, at);
