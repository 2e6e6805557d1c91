-- When a refund that was made is to be looked up, because the provider has reported a change of it. By the wall clock.
ALTER TABLE refund ADD COLUMN review_at timestamptz;
CREATE INDEX refund_to_review ON refund (review_at) WHERE review_at IS NOT NULL;
