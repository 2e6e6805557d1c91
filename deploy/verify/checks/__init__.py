"""The invariants, one module per family. Every check is pure: it reads a World and yields one line per difference."""
