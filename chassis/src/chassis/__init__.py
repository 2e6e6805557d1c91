"""The library that every service is built on: events, streams, tenants and HTTP. It contains no term of a business domain."""
