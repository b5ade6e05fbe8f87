"""The command line of the server; each command is a module of its own, imported only when it runs."""

import sys

from cyclopts import App

from woaas_infra.errors import CannotStart

app = App(name="woaas-server", help="Run WOaaS: all on this machine, or one process at a time.")
app.command("woaas_infra.commands.up:up", name="up", help="Start everything on this machine; Ctrl-C stops it.")
app.command(
    "woaas_infra.commands.migrate:migrate", name="migrate", help="Bring the database's schema to the newest revision."
)

for name, text in {
    "serve": "Serve the API and the console.",
    "sequencer": "Order pending events into the tenants' logs and sign checkpoints.",
    "worker": "Do what time makes due: expire market requests, renew billing periods, forget what has run out.",
    "background": "Sequencer, readers and worker in one process.",
    "solver": "Solve queued runs on Ray.",
    "ingest": "Follow the brokers of all connectors: machine data in.",
    "broker": "An MQTT broker of our own on 127.0.0.1, for one machine.",
}.items():
    app.command(f"woaas_infra.commands.processes:{name}", name=name, help=text)
app.command(
    "woaas_infra.commands.reader:app",
    name="reader",
    help="Apply the effects of events: metering, market, replanning; status, retry, skip.",
)
app.command("woaas_infra.commands.contracts:openapi", name="openapi", help="Print the OpenAPI document.")
app.command("woaas_infra.commands.solve:solve", name="solve", help="Solve a scheduling problem in a file.")
app.command("woaas_infra.commands.contracts:sdl", name="sdl", help="Print the GraphQL schema.")
tenant = App(name="tenant", help="Tenants.")
tenant.command("woaas_infra.commands.tenant:create", name="create", help="Open a tenant with its sandbox.")
app.command(tenant)
billing = App(name="billing", help="Billing.")
billing.command("woaas_infra.commands.billing:verify", name="verify", help="Check every tenant's books.")
app.command(billing)
keys = App(name="keys", help="The keys that sign the audit log, and those that sign tokens.")
for name, text in {
    "show": "Print the public keys.",
    "rotate": "Add a new signing key; the old one signs beside it.",
    "retire": "Let only the newest key sign.",
}.items():
    keys.command(f"woaas_infra.commands.keys:{name}", name=name, help=text)
keys.command(
    "woaas_infra.commands.token_keys:rotate", name="rotate-tokens", help="Sign access and ID tokens with the next key."
)
app.command(keys)


def main() -> None:
    """Run a command; what stands in its way is said in one line, with a non-zero exit code."""
    try:
        app()
    except CannotStart as error:
        sys.stderr.write(f"woaas-server: {error}\n")
        sys.exit(error.exit_code)
