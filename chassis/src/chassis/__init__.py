"""The library that every service is built on: events, streams, tenants and HTTP. It contains no billing term."""
