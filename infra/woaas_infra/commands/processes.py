"""``woaas-server serve | sequencer | reader | worker | background | solver | ingest | broker``: the parts as processes.

They need WOAAS_DATABASE_URL: an external Postgres, or the address that ``up`` hands to its children.
"""

import asyncio
from pathlib import Path

from woaas_core.settings import Settings
from woaas_infra.commands.settings import load_settings
from woaas_infra.errors import CannotStart


def serve(*, home: Path | None = None, host: str | None = None, port: int | None = None) -> None:
    """Serve the API and the console."""
    from woaas_infra.processes.run import run  # noqa: PLC0415 - keeps --help fast
    from woaas_infra.processes.serve import run_api  # noqa: PLC0415

    run(_with_database(home, host=host, port=port), [run_api])


def sequencer(*, home: Path | None = None) -> None:
    """Order pending events into the tenants' logs, sign checkpoints, have witnesses cosign them."""
    from woaas_infra.processes.run import run  # noqa: PLC0415
    from woaas_infra.processes.sequencer import run_sequencer  # noqa: PLC0415
    from woaas_infra.processes.witnessing import run_witnessing  # noqa: PLC0415

    run(_with_database(home), [run_sequencer, run_witnessing])


def read(home: Path | None) -> None:
    """Apply the effects of events: what ``woaas-server reader`` does by itself."""
    from woaas_infra.processes.run import run  # noqa: PLC0415

    run(_with_database(home), [_read])


def worker(*, home: Path | None = None) -> None:
    """Do what time makes due, such as expiring market requests and forgetting what has run out; send webhooks."""
    from woaas_infra.processes.deliverer import run_deliverer  # noqa: PLC0415
    from woaas_infra.processes.run import run  # noqa: PLC0415
    from woaas_infra.processes.worker import run_worker  # noqa: PLC0415

    run(_with_database(home), [run_worker, run_deliverer])


def background(*, home: Path | None = None) -> None:
    """Sequencer, readers and worker in one process: what a single machine runs beside the API."""
    from woaas_infra.processes.deliverer import run_deliverer  # noqa: PLC0415
    from woaas_infra.processes.run import run  # noqa: PLC0415
    from woaas_infra.processes.sequencer import run_sequencer  # noqa: PLC0415
    from woaas_infra.processes.witnessing import run_witnessing  # noqa: PLC0415
    from woaas_infra.processes.worker import run_worker  # noqa: PLC0415

    run(_with_database(home), [run_sequencer, run_witnessing, _read, run_worker, run_deliverer])


def solver(*, home: Path | None = None) -> None:
    """Solve queued runs; starts Ray with the first one, or uses the cluster at WOAAS_RAY_ADDRESS."""
    from woaas_infra.processes.run import run  # noqa: PLC0415
    from woaas_solver_farm.farm.process import run_solver  # noqa: PLC0415

    run(_with_database(home), [run_solver])


def ingest(*, home: Path | None = None) -> None:
    """Follow the brokers of every tenant's connectors and take in what machines say."""
    from woaas_api.ingest.process import run_ingest  # noqa: PLC0415
    from woaas_infra.processes.run import run  # noqa: PLC0415

    run(_with_database(home), [run_ingest])


def broker(*, home: Path | None = None) -> None:
    """Serve MQTT on 127.0.0.1 to the machines of connectors that name no broker; needs WOAAS_MQTT_PORT."""
    from woaas_infra.processes.broker import run_broker  # noqa: PLC0415
    from woaas_infra.processes.run import run  # noqa: PLC0415

    settings = _with_database(home)
    if not settings.mqtt_port:
        msg = "set WOAAS_MQTT_PORT, for this command and for 'serve' and 'ingest'"
        raise CannotStart(msg)
    run(settings, [run_broker])


async def _read(settings: Settings, stop: asyncio.Event) -> None:
    from woaas_infra.processes.reader import run_readers  # noqa: PLC0415
    from woaas_infra.readers import readers  # noqa: PLC0415

    await run_readers(settings, readers(settings), stop)


def _with_database(home: Path | None, **said: str | int | None) -> Settings:
    settings = load_settings(home, **said)
    if not settings.database_url:
        msg = "set WOAAS_DATABASE_URL, or use 'woaas-server up', which brings its own Postgres"
        raise CannotStart(msg)
    return settings
