"""Fixtures for every part; each module of ``fixtures`` says what it gives."""

pytest_plugins = ["fixtures.database", "fixtures.app", "fixtures.market"]
