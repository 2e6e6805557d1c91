-- Customers of whom something has been read and whose view is still to be composed.
CREATE INDEX customer_view_waiting ON customer_view (merchant_id, customer_id) WHERE doc IS NULL;
