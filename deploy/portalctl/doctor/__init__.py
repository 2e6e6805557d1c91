"""`portalctl doctor`: what an operator checks first, one sentence per check."""
