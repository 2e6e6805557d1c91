"""`portalctl verify`: whether the invariants hold, judged from raw tables and raw topics, never through a service."""
