-- When a refund that was made is to be looked up, because the provider has reported a change of it. By the wall clock.
ALTER TABLE refund ADD COLUMN review_at timestamptz;
CREATE INDEX refund_to_review ON refund (review_at) WHERE review_at IS NOT NULL;

-- When the database was reconciled after a restore. A charge may have a payment intent at Stripe of which the restore lost the row.
CREATE TABLE stripe_recovery (
    reconciled_at timestamptz PRIMARY KEY DEFAULT now()
);
