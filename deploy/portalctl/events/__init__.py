"""`portalctl events tail` and `portalctl streams show`: what happened, as it is stored and published."""
