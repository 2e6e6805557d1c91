"""Generates what is published beside the contracts' code: JSON Schemas, samples, AsyncAPI and a page. Not part of the package."""
