"""The collection of one invoice, attempt after attempt."""
