-- Credit notes as they are listed and printed: always in agreement with the streams of their invoices.
CREATE TABLE credit_notes (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    invoice_id  uuid NOT NULL,
    customer_id uuid NOT NULL,
    series      text NOT NULL,
    ordinal     int NOT NULL CHECK (ordinal > 0),
    issued_on   date NOT NULL,
    issued      json NOT NULL, -- the event, never changed
    schema      smallint NOT NULL, -- the version of its shape
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, id),
    CONSTRAINT credit_notes_number_taken UNIQUE (merchant_id, series, ordinal)
);
CREATE INDEX credit_notes_by_invoice ON credit_notes (merchant_id, invoice_id, ordinal);
CREATE INDEX credit_notes_by_customer ON credit_notes (merchant_id, customer_id, issued_on DESC, ordinal DESC, id DESC);
CREATE INDEX credit_notes_by_date ON credit_notes (merchant_id, issued_on DESC, ordinal DESC, id DESC);

ALTER TABLE invoices ADD COLUMN credited bigint NOT NULL DEFAULT 0; -- what credit notes took off the total, in minor units

-- A credit note is a movement of the kind `void`, which the previous release can read, and the movement of its refund names it too.
ALTER TABLE movements ADD COLUMN credit_note_id uuid;
