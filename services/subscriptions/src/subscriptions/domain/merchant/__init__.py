"""A merchant: profile, API keys and test clock."""
