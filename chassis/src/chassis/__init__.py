"""What every service stands on: it knows events, streams, tenants and HTTP, and no word of any trade."""
