"""What ``up`` puts together on one machine: the child processes and the demo."""

import sys
from collections.abc import Sequence

from woaas_core.settings import Settings
from woaas_infra.demo.credentials import read
from woaas_infra.demo.seed import seed
from woaas_infra.listening import answers
from woaas_infra.migrate import upgrade
from woaas_infra.supervisor import Child
from woaas_infra.up import Assembly


def one_machine(*, demo: bool) -> Assembly:
    """API in one process, sequencer and readers in a second; the farm starts with the first solve."""
    return Assembly(
        migrate=upgrade,
        children=children,
        is_ready=lambda settings: answers(settings.host, settings.port),
        seed=seed if demo else None,
        try_next=try_next,
    )


def children(settings: Settings) -> Sequence[Child]:
    """The processes to keep running; they get the configuration through their environment."""
    env = {
        "WOAAS_HOME": str(settings.home),
        "WOAAS_DATABASE_URL": settings.database_url,
        "WOAAS_HOST": settings.host,
        "WOAAS_PORT": str(settings.port),
    }
    return [Child(name, [sys.executable, "-m", "woaas_infra", name], env=env) for name in ("serve", "background")]


def try_next(settings: Settings) -> Sequence[str]:
    """Three things to do first."""
    known = read(settings.home / "credentials.json")
    if known is None or "factory" not in known.tenants:
        return (
            "woaas-server tenant create --name 'My factory' --json   (makes your keys)",
            f"open {settings.url}/docs   (the API reference)",
            f"open {settings.url}/graphql   (the graph explorer)",
        )
    factory = known.tenants["factory"]
    user = factory.users[0]
    return (
        f"sign in at {settings.url}/console as {user.email} / {user.password}",
        f"WOAAS_API_KEY={factory.api_key} WOAAS_BASE_URL={settings.url} woaas work-orders list",
        f"open {settings.url}/docs   (the API reference)",
    )
