"""The rules of invoices: pure, standard library only."""
