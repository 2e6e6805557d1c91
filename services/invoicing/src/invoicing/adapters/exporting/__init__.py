"""The payment history as files, written while they are sent."""
