-- The charge that the session of an invoice link started last: only this session confirms it at the bank.
ALTER TABLE invoice_session ADD COLUMN charge_id uuid;
