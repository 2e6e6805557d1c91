"""The invariants, one module per family. Every check is pure: it reads a RecordedState and yields one line per difference."""
