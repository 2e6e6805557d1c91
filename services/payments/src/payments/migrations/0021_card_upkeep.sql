-- When a card on file is to be read at the provider, because it has changed there. By the wall clock; none: it is up to date.
ALTER TABLE payment_method ADD COLUMN read_call_at timestamptz;
CREATE INDEX payment_method_to_read ON payment_method (read_call_at) WHERE read_call_at IS NOT NULL AND removed_at IS NULL;
CREATE INDEX stripe_method_customer ON stripe_method (merchant_id, customer);
