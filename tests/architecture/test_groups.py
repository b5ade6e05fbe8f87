"""Tests that share an installation or a browser run in one process; a new pytest once dropped that without a word."""

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="not run in several processes")
def test_groups_stay_together(request: pytest.FixtureRequest) -> None:
    """The name of its group is part of a test's id, by which xdist hands out tests."""
    grouped = [item for item in request.session.items if item.get_closest_marker("xdist_group")]
    assert all("@" in item.nodeid for item in grouped)
