"""Calls that leave the system: to which addresses, and how much of an answer is read."""
