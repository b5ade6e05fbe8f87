"""What ``up`` puts together on one machine: the child processes and the demo."""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from woaas_core.db.database import DATABASE_LOST, Database
from woaas_core.db.tenancy import APP
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.settings import MQTT_HOST, Settings
from woaas_infra.demo.credentials import read
from woaas_infra.demo.main_job import plan_demo
from woaas_infra.demo.seed import seed
from woaas_infra.errors import PortTaken
from woaas_infra.launch import FAMILY
from woaas_infra.listening import answers, free_port
from woaas_infra.migrate import upgrade
from woaas_infra.supervisor import Child
from woaas_infra.up import Assembly
from woaas_solver_farm.schedules.queue import claimable, claimable_inquiries
from woaas_work_orders.connectors.repository import to_follow

_LOOK_FOR_RUNS_S = 0.3
_LOOK_FOR_CONNECTORS_S = 1.0
MQTT_PORT = 1883


def one_machine(*, demo: bool) -> Assembly:
    """API in one process, sequencer, readers and worker in a second; farm, broker and ingest start when needed."""
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
        "WOAAS_POOLER_URL": settings.pooler_url,
        "WOAAS_HOST": settings.host,
        "WOAAS_PORT": str(settings.port),
        "WOAAS_MQTT_PORT": str(mqtt_port(settings)),
    }

    async def runs_wait() -> None:
        """Return once there is something to solve: the solver process is not started before."""
        while True:
            # Postgres may be away for a moment; this runs in ``up``, which must not end for that.
            with suppress(*DATABASE_LOST):
                return await _until(settings, _run_waits, _LOOK_FOR_RUNS_S)
            await asyncio.sleep(_LOOK_FOR_RUNS_S)

    async def connector_is_there(*, is_own: bool) -> None:
        """Return once there is a connector to follow or to test, of a broker of the plant or only of ours."""
        while True:
            with suppress(*DATABASE_LOST):
                return await _until(settings, partial(_connector, is_own=is_own), _LOOK_FOR_CONNECTORS_S)
            await asyncio.sleep(_LOOK_FOR_CONNECTORS_S)

    def child(name: str, **options: Any) -> Child:
        return Child(name, [sys.executable, "-m", "woaas_infra", name], env=env, **options)

    return [
        child("serve"),
        child("background"),
        child("solver", needed=runs_wait, grace_s=20, kin=FAMILY),
        child("broker", needed=partial(connector_is_there, is_own=True)),
        child("ingest", needed=partial(connector_is_there, is_own=False)),
    ]


def mqtt_port(settings: Settings) -> int:
    """Where the own broker listens: as said, else MQTT's own port, else any that is free."""
    if settings.mqtt_port:
        return settings.mqtt_port
    with suppress(PortTaken):
        return free_port(MQTT_HOST, MQTT_PORT)
    return free_port(MQTT_HOST, 0)


async def _run_waits(uow: UnitOfWork) -> bool:
    return bool(await claimable(uow, 1) or await claimable_inquiries(uow, 1))


async def _connector(uow: UnitOfWork, *, is_own: bool) -> bool:
    return any(row["is_own"] or not is_own for row in await to_follow(uow))


async def _until(settings: Settings, there_is: Callable[[UnitOfWork], Awaitable[object]], look_s: float) -> None:
    database = await Database.connect(settings.database_url, role=APP, size=1)
    try:
        while True:
            async with database.unit_of_work() as uow:
                if await there_is(uow):
                    return
            await asyncio.sleep(look_s)
    finally:
        await database.close()


def try_next(settings: Settings) -> Sequence[str]:
    """Three things to do first."""
    known = read(settings.home / "credentials.json")
    if known is None or "factory" not in known.tenants:
        return (
            f"{_as_typed('woaas-server')} tenant create --name 'My factory' --json   (makes your keys)",
            f"open {settings.url}/docs   (the API reference)",
            f"open {settings.url}/graphql   (the graph explorer)",
        )
    factory = known.tenants["factory"]
    user = factory.users[0]
    return (
        f"sign in at {settings.url}/console as {user.email} / {user.password}",
        f"WOAAS_API_KEY={factory.api_key} WOAAS_BASE_URL={settings.url} {_as_typed('woaas')} work-orders list",
        f"open {settings.url}/docs   (the API reference)",
    )


def _as_typed(command: str) -> str:
    """The command as this shell finds it: an environment that is not activated needs the path."""
    beside = Path(sys.argv[0]).with_name(command)
    return str(beside) if shutil.which(command) is None and beside.is_file() else command
