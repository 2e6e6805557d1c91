-- Attempts that may wait until the customer has answered their bank. The end of the wait is by the wall clock.
ALTER TABLE attempt ADD COLUMN on_session boolean NOT NULL DEFAULT false, ADD COLUMN authenticate_until timestamptz;

-- The charge that is confirmed in this opening of the page; none where a card is typed.
ALTER TABLE setup ADD COLUMN charge_id uuid;

-- Whether the bank has to confirm the sandbox card's charges, and the charges that wait for it.
ALTER TABLE sandbox_method ADD COLUMN authentication text CHECK (authentication IN ('once', 'always'));
CREATE TABLE sandbox_challenge (
    merchant_id   uuid NOT NULL,
    charge_id     uuid NOT NULL,
    customer_id   uuid NOT NULL,
    method_id     uuid NOT NULL,
    amount_minor  bigint NOT NULL,
    currency      text NOT NULL,
    code          text, -- why the charge is refused once the bank has confirmed; none: the money is taken
    reference     text NOT NULL,
    secret_sha256 text, -- of the secret that the page got last
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, charge_id)
);
