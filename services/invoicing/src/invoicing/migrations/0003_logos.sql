-- Logos that invoices show, by the hash of their bytes: nobody's in particular.
CREATE TABLE logo (
    sha256  text PRIMARY KEY,
    content bytea NOT NULL
);
