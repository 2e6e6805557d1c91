-- Projections with documents of an earlier form. `portalctl rebuild --due` builds them again and removes their rows.
CREATE TABLE due_rebuild (
    projection text PRIMARY KEY, -- a projection of this database, or `view`: the composed views
    since      timestamptz NOT NULL DEFAULT now()
);

-- Wallets had the default card only, and no changes; the views that were composed from them have no list of cards.
INSERT INTO due_rebuild (projection) SELECT 'wallet' WHERE EXISTS (SELECT FROM projection WHERE name = 'wallet');
INSERT INTO due_rebuild (projection) SELECT 'view' WHERE EXISTS (SELECT FROM customer_view);
