"""View models: what the page shows, in the customer's language."""
