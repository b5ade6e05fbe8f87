"""Fixtures for every part; each module of ``fixtures`` says what it gives."""

import logging

# Casbin writes whole policies at level info.
logging.getLogger("casbin").setLevel(logging.WARNING)
pytest_plugins = [
    "fixtures.database",
    "fixtures.app",
    "fixtures.live_app",
    "fixtures.market",
    "fixtures.billing",
    "fixtures.server",
    "fixtures.killable",
]
