"""The subscriptions service over HTTP."""
