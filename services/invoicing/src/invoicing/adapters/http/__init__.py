"""The invoicing service over HTTP."""
