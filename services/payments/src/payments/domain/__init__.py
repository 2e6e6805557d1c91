"""The rules of payment methods and of collecting invoices: pure, standard library only."""
