"""Fixtures for every part; each module of ``fixtures`` says what it gives."""

import gc
import logging

from hypothesis import settings

# Casbin writes whole policies at level info.
logging.getLogger("casbin").setLevel(logging.WARNING)
# How long one example takes says more about the machine than about the code.
settings.register_profile("woaas", deadline=None)
settings.load_profile("woaas")
pytest_plugins = [
    "fixtures.database",
    "fixtures.app",
    "fixtures.live_app",
    "fixtures.market",
    "fixtures.billing",
    "fixtures.server",
    "fixtures.killable",
    "fixtures.brokers",
    "fixtures.pooler",
    "fixtures.chromium",
]


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not walk it with every app that a test makes."""
    gc.freeze()
