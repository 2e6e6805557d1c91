"""Access to PostgreSQL: the connection pool, request coalescing, transactions and migrations."""
