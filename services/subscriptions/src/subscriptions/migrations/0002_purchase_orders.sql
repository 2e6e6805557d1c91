-- The buyer's purchase order or other reference, as invoices print it.
ALTER TABLE customers ADD COLUMN purchase_order text;
