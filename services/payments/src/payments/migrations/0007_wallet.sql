-- Several cards of a customer. At most one is the backup, which is charged once if the default fails.
ALTER TABLE payment_method
    ADD COLUMN is_backup boolean NOT NULL DEFAULT false,
    ADD COLUMN fingerprint text, -- the provider's keyed hash of the number
    ADD COLUMN forgotten_at timestamptz, -- when the provider has detached the removed card, by the wall clock
    ADD COLUMN forget_call_at timestamptz NOT NULL DEFAULT now(); -- when a removed card is to be detached, by the wall clock
CREATE UNIQUE INDEX payment_method_backup ON payment_method (merchant_id, customer_id) WHERE is_backup;
CREATE INDEX payment_method_to_forget ON payment_method (forget_call_at) WHERE removed_at IS NOT NULL AND forgotten_at IS NULL;

ALTER TABLE attempt ADD COLUMN backup boolean NOT NULL DEFAULT false; -- made with the backup card
CREATE INDEX attempt_of_method ON attempt (merchant_id, method_id) WHERE status IN ('open', 'unknown');

-- What the card page is opened for: a new default, or a card beside the default.
ALTER TABLE setup ADD COLUMN purpose text NOT NULL DEFAULT 'default' CHECK (purpose IN ('default', 'add'));

-- The sandbox recognises a card by a keyed hash of its number. The key is random, per merchant, and never leaves the table.
ALTER TABLE sandbox_method ADD COLUMN fingerprint text;
CREATE TABLE sandbox_key (
    merchant_id uuid PRIMARY KEY,
    key         bytea NOT NULL
);
