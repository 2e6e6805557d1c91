-- Whether a payment or a failed attempt was made with the customer's backup card.
ALTER TABLE movements ADD COLUMN backup boolean NOT NULL DEFAULT false;
