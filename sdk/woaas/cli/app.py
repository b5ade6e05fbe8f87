"""The commands by name. Each is loaded when it is used, and failures become exit codes here."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App

from woaas._version import __version__

app = App(
    name="woaas",
    version=__version__,
    help="""Work orders as a service, from the shell.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed, 5 in conflict with the state of things.
    """,
)
COMMANDS = {
    "login": ("login:login", "Store an API key for the commands that follow."),
    "work-orders": ("work_orders:app", "List, create, import and move work orders."),
    "operations": ("operations:app", "Start, complete and report on operations."),
    "schedule": ("schedule:schedule", "Make a plan, and with --publish work by it."),
    "market": ("market:app", "Offer and find capacity."),
    "billing": ("billing:app", "Usage and invoices."),
    "audit": ("audit:app", "Export the log, and verify an export without the service."),
    "events": ("events:app", "Follow what happens."),
    "webhooks": ("webhooks:app", "Try a webhook receiver on this machine."),
    "replay": ("replay:app", "Replay a factory's records."),
}
for _name, (_where, _help) in COMMANDS.items():
    app.command(f"woaas.cli.{_where}", name=_name, help=_help)


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line; failures are one line on standard error.

    Returns:
        The exit code.
    """
    from .failures import explain

    try:
        result = app(list(arguments), result_action="return_value")
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone; so has whoever could read of it
        return 0
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    except Exception as error:
        explained = explain(error)
        if explained is None:
            raise
        text, code = explained
        print(f"woaas: {text}", file=sys.stderr)  # noqa: T201
        return code
    return result if isinstance(result, int) else 0
