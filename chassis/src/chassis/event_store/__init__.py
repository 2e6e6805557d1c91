"""The event store on PostgreSQL, with timers and idempotency keys."""
