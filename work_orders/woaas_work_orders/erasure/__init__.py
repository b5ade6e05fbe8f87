"""Erasure of a person's values on his request, and the legal holds that forbid it."""
