"""The API process."""

import asyncio
import gc

import uvicorn

from woaas_api.app import create_app
from woaas_core.settings import Settings
from woaas_infra.readers import awaited


async def run_api(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until stopped; requests under way are finished."""
    # What is loaded now stays: without it the garbage collector has little to walk while requests wait.
    gc.disable()
    app = await create_app(settings, readers=awaited(settings))
    gc.freeze()
    gc.enable()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=10,
    )
    server = uvicorn.Server(config)
    # Signals are the command's to handle, so that every process stops the same way.
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.ensure_future(server.serve())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    stopping.cancel()
