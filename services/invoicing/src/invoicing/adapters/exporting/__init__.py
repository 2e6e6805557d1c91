"""The payment history as files, which are written while they are sent."""
