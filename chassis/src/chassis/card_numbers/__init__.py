"""Detection and redaction of card numbers in text."""
