"""The command line of the server; each command is a module of its own, imported only when it runs."""

import sys

from cyclopts import App

from woaas_infra.errors import CannotStart

app = App(name="woaas-server", help="Run WOaaS: all on this machine, or one process at a time.")
app.command("woaas_infra.commands.up:up", name="up", help="Start everything on this machine; Ctrl-C stops it.")
app.command(
    "woaas_infra.commands.migrate:migrate", name="migrate", help="Bring the database's schema to the newest revision."
)


def main() -> None:
    """Run a command; what stands in its way is said in one line, with a non-zero exit code."""
    try:
        app()
    except CannotStart as error:
        sys.stderr.write(f"woaas-server: {error}\n")
        sys.exit(error.exit_code)
