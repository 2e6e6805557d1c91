"""Backup, restore, and the comparison of restored databases with the topics."""
