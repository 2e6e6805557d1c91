"""What every service stands on: it knows events, streams, tenants and HTTP, and no billing word."""
