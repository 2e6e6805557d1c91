"""The payments service over HTTP."""
