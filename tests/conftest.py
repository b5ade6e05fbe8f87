"""Fixtures for every part; each module of ``fixtures`` says what it gives."""

import logging

pytest_plugins = ["fixtures.database", "fixtures.app"]

# As in the processes: else each failing test would show a whole policy.
logging.getLogger("casbin").setLevel(logging.WARNING)
