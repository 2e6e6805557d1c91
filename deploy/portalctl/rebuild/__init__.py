"""`portalctl rebuild`: builds a projection beside the live one, compares both, and replaces the differing documents."""
