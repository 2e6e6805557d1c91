-- Merchants' own accounts at the provider. `sealed` has their keys and webhook secrets under a data key that KEY_ENCRYPTION_KEY wraps.
CREATE TABLE stripe_account (
    merchant_id    uuid NOT NULL,
    mode           text NOT NULL CHECK (mode IN ('live', 'test')),
    endpoint       uuid NOT NULL UNIQUE, -- in the address of the account's webhooks
    key_last4      text NOT NULL,
    sealed         bytea NOT NULL,
    wrapped        bytea NOT NULL,
    wrapped_by     text NOT NULL,
    state          text NOT NULL DEFAULT 'connected' CHECK (state IN ('connected', 'refused')),
    refused_status smallint,
    refused_at     timestamptz,
    connected_at   timestamptz NOT NULL DEFAULT now(),
    caught_up_to   timestamptz NOT NULL DEFAULT now(), -- older events have been taken in
    poll_at        timestamptz NOT NULL DEFAULT now(), -- when its events are listed next
    PRIMARY KEY (merchant_id, mode)
);

-- Events of accounts that were taken in, so that each has its effect once.
CREATE TABLE stripe_event (
    merchant_id uuid NOT NULL,
    event_id    text NOT NULL,
    type        text NOT NULL,
    created     timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, event_id)
);
CREATE INDEX stripe_event_received ON stripe_event (received_at);

-- Which provider has a card, makes a charge and shows the fields of a card page. A charge never moves to another one.
ALTER TABLE payment_method ADD COLUMN provider text NOT NULL DEFAULT 'sandbox';
ALTER TABLE attempt ADD COLUMN provider text NOT NULL DEFAULT 'sandbox';
ALTER TABLE setup ADD COLUMN provider text; -- none until the card page is shown
