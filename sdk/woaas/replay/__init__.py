"""Replay a factory's records through the public API: reading, planning and sending are kept apart."""
