"""What the chassis keeps in PostgreSQL: one file per table or pair of tables."""
