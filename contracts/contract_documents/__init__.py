"""Generates the published documents of the contracts: JSON Schemas, samples, AsyncAPI and a page. Not part of the package."""
