"""Finds and redacts card numbers that earlier versions stored in free text."""
