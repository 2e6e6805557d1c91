-- A history is handed out in the order in which it happened.
DROP INDEX movements_by_customer;
CREATE INDEX movements_by_customer ON movements (merchant_id, customer_id, at, position);

-- How far a download is: documents made, of how many.
ALTER TABLE running_exports
    ADD COLUMN done  int NOT NULL DEFAULT 0,
    ADD COLUMN total int NOT NULL DEFAULT 0;
