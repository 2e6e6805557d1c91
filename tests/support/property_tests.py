"""The number of examples of property tests, and of texts with a fixed seed."""

import os


def examples(full: int) -> int:
    """A fifth of `full`; all of them with FULL=1. Each run draws other examples."""
    return full if os.environ.get("FULL") else full // 5
