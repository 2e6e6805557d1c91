-- Links to one invoice and their sessions. Tables of their own: a release that does not know the limit cannot open them.
CREATE TABLE invoice_link (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    customer_id uuid NOT NULL,
    invoice_id  uuid NOT NULL,
    pepper      text NOT NULL,
    digest      bytea NOT NULL,
    locale      text,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    revoked_at  timestamptz,
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX invoice_link_presented ON invoice_link (id);
CREATE INDEX invoice_link_invoice ON invoice_link (merchant_id, customer_id, invoice_id);

CREATE TABLE invoice_session (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    customer_id uuid NOT NULL,
    link_id     uuid NOT NULL,
    digest      bytea NOT NULL,
    paying      text, -- the position of the payment that it started last
    started_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, link_id) REFERENCES invoice_link ON DELETE CASCADE
);
CREATE INDEX invoice_session_presented ON invoice_session (digest);
CREATE INDEX invoice_session_link ON invoice_session (merchant_id, link_id);
