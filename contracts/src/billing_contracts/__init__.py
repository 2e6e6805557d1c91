"""Events of the billing services, for each other and for subscribers."""
