"""What ``up`` puts together on one machine: the child processes and the demo."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from woaas_core.db.database import DATABASE_LOST, Database
from woaas_core.db.tenancy import APP
from woaas_core.settings import Settings
from woaas_infra.demo.credentials import read
from woaas_infra.demo.main_job import plan_demo
from woaas_infra.demo.seed import seed
from woaas_infra.launch import FAMILY
from woaas_infra.listening import answers
from woaas_infra.migrate import upgrade
from woaas_infra.supervisor import Child
from woaas_infra.up import Assembly
from woaas_solver_farm.schedules.queue import claimable, claimable_inquiries

_LOOK_FOR_RUNS_S = 0.3


def one_machine(*, demo: bool) -> Assembly:
    """API in one process, sequencer, readers and worker in a second; the farm starts with the first solve."""
    return Assembly(
        migrate=upgrade,
        children=children,
        is_ready=lambda settings: answers(settings.host, settings.port),
        is_alive=lambda settings: answers(settings.host, settings.port, "/healthz"),
        seed=seed if demo else None,
        main_job=plan_demo if demo else None,
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

    async def runs_wait() -> None:
        """Return once there is something to solve: the solver process is not started before."""
        while True:
            # Postgres may be away for a moment; this runs in ``up``, which must not end for that.
            with suppress(*DATABASE_LOST):
                return await _until_a_run_waits(settings)
            await asyncio.sleep(_LOOK_FOR_RUNS_S)

    def child(name: str, **options: Any) -> Child:
        return Child(name, [sys.executable, "-m", "woaas_infra", name], env=env, **options)

    return [child("serve"), child("background"), child("solver", needed=runs_wait, grace_s=20, kin=FAMILY)]


async def _until_a_run_waits(settings: Settings) -> None:
    database = await Database.connect(settings.database_url, role=APP, size=1)
    try:
        while True:
            async with database.unit_of_work() as uow:
                if await claimable(uow, 1) or await claimable_inquiries(uow, 1):
                    return
            await asyncio.sleep(_LOOK_FOR_RUNS_S)
    finally:
        await database.close()


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
