"""The `woaas` command. This module loads nothing but the standard library, so that help is quick."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        import cyclopts  # noqa: F401  # only asked whether it is there
    except ModuleNotFoundError:
        print("The command line needs more packages: pip install 'woaas[cli]'", file=sys.stderr)  # noqa: T201
        raise SystemExit(1) from None
    from .app import run

    raise SystemExit(run(sys.argv[1:]))
