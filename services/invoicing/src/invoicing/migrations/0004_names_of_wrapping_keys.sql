-- Which key-encryption key wraps a data key: the start of its SHA-256. NULL: wrapped before keys had names; any of them may open it.
ALTER TABLE customer_keys ADD COLUMN wrapped_by text;
