-- Every page asks which of a customer's aggregates are behind, and hardly ever is one: without this it reads all of them.
CREATE INDEX projection_stale ON projection (merchant_id, customer_id) WHERE stale_since IS NOT NULL;
