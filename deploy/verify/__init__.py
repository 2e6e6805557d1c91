"""`portalctl verify`: checks the invariants from raw tables and topics, without the services."""
