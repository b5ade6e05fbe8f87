"""Everything on one machine: database, schema, demo, processes; then watch until told to stop."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from woaas_core.settings import Settings
from woaas_infra.dsn import DATABASE, database_of
from woaas_infra.errors import CannotStart, HomeInUse
from woaas_infra.listening import free_port
from woaas_infra.lock import ProcessLock
from woaas_infra.postgres.server import EmbeddedPostgres
from woaas_infra.progress import Progress
from woaas_infra.roles import ensure_database
from woaas_infra.supervisor import Child, Supervisor

HOPELESS_AFTER_FAILURES = 4
READY_TIMEOUT_S = 120.0
PATIENCE_S = 20.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class Assembly:
    """The parts ``up`` puts together; the settings it hands out carry the database address and the real port.

    ``migrate`` gets the admin address. ``seed`` (None with ``--no-demo``) runs on every start and must do nothing
    the second time. ``is_ready`` is asked until it says yes; when it does not but ``is_alive`` does (a reader may wait
    for an operator), everything runs all the same and the terminal says so. ``main_job`` then does what the product is
    for and says in one line what came of it. ``try_next``: three lines for the final panel.
    """

    migrate: Callable[[str], None]
    children: Callable[[Settings], Sequence[Child]]
    is_ready: Callable[[Settings], Awaitable[bool]] | None = None
    is_alive: Callable[[Settings], Awaitable[bool]] | None = None
    seed: Callable[[Settings], Awaitable[None]] | None = None
    main_job: Callable[[Settings, Progress], Awaitable[str]] | None = None
    try_next: Callable[[Settings], Sequence[str]] = lambda _settings: ()


def up(settings: Settings, assembly: Assembly, progress: Progress) -> None:
    """Start everything and return after a clean stop.

    Raises:
        CannotStart: in one line, what stands in the way.
    """
    with ExitStack() as stack:
        stack.enter_context(_signals_interrupt())
        lock = stack.enter_context(ProcessLock(settings.home / "up.lock"))
        if not lock.acquire(url=settings.url):
            pid, note = lock.holder()
            raise HomeInUse(settings.home, pid, note.get("url", ""))
        settings = msgspec.structs.replace(settings, port=free_port(settings.host, settings.port))
        lock.note(url=settings.url)
        postgres = None if settings.database_url else EmbeddedPostgres(settings.home)
        try:
            settings = _prepare(settings, assembly, progress, postgres)
            asyncio.run(_watch(settings, assembly, progress, postgres))
        except KeyboardInterrupt:
            progress.notice("stopped before everything was up")
        finally:
            if postgres is not None:
                postgres.stop()


def _prepare(settings: Settings, assembly: Assembly, progress: Progress, postgres: EmbeddedPostgres | None) -> Settings:
    admin, name = settings.database_url, database_of(settings.database_url) or DATABASE
    if postgres is not None:
        with progress.step("Starting Postgres", "Postgres started"):
            admin, name = postgres.start(), DATABASE
    with progress.step("Bringing the schema up to date", "Schema is up to date"):
        settings = msgspec.structs.replace(settings, database_url=asyncio.run(ensure_database(admin, name)))
        assembly.migrate(settings.database_url)
    if assembly.seed is not None:
        with progress.step("Seeding the demo factory", "Demo factory is there"):
            asyncio.run(_awaited(assembly.seed(settings)))
    return settings


async def _watch(settings: Settings, assembly: Assembly, progress: Progress, postgres: EmbeddedPostgres | None) -> None:
    def on_restart(name: str, code: int, pause_s: float) -> None:
        log = settings.home / "logs" / f"{name}.log"
        progress.notice(f"{name} ended with {code}; starting it again in {pause_s:g} s (see {log})")

    (settings.home / "logs").mkdir(mode=0o700, exist_ok=True)
    children = assembly.children(settings)
    supervisor = Supervisor(children, settings.home / "logs", on_restart=on_restart)
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, supervisor.stop)
    stopping = asyncio.Event()
    failure: CannotStart | None = None
    async with asyncio.TaskGroup() as group:
        if postgres is not None:
            group.create_task(_keep_postgres(postgres, stopping, progress))
        running = group.create_task(supervisor.run())
        try:
            if await _become_ready(settings, assembly, progress, supervisor, running, children):
                await _present(settings, assembly, progress, running)
            await running
        except CannotStart as error:
            failure = error
        finally:
            supervisor.stop()
            await asyncio.wait({running})
            stopping.set()
            if postgres is not None:
                # Ends the thread that waits for it; last, so that the others could finish their transactions.
                postgres.stop()
    if failure is not None:
        raise failure


async def _present(settings: Settings, assembly: Assembly, progress: Progress, running: "asyncio.Task[None]") -> None:
    """Do the main job and show the panel, unless told to stop meanwhile."""
    job = asyncio.ensure_future(_main_job(settings, assembly, progress))
    await asyncio.wait({job, running}, return_when=asyncio.FIRST_COMPLETED)
    if not job.done():
        job.cancel()
        with suppress(asyncio.CancelledError):
            await job
        return
    progress.ready(
        url=settings.url,
        result=job.result(),
        home=settings.home,
        credentials=settings.home / "credentials.json",
        try_next=assembly.try_next(settings),
    )


async def _main_job(settings: Settings, assembly: Assembly, progress: Progress) -> str | None:
    return await assembly.main_job(settings, progress) if assembly.main_job else None


async def _become_ready(
    settings: Settings,
    assembly: Assembly,
    progress: Progress,
    supervisor: Supervisor,
    running: "asyncio.Task[None]",
    children: Sequence[Child],
) -> bool:
    if assembly.is_ready is None:
        return True
    began = asyncio.get_running_loop().time()
    with progress.step("Starting the processes", "Processes are running"):
        while not running.done() and not await assembly.is_ready(settings):
            hopeless = [c.name for c in children if supervisor.failures(c.name) >= HOPELESS_AFTER_FAILURES]
            waited_s = asyncio.get_running_loop().time() - began
            if waited_s > PATIENCE_S and assembly.is_alive is not None and await assembly.is_alive(settings):
                progress.notice(f"it answers but is not ready; {settings.url}/readyz says why")
                break
            if hopeless or waited_s > READY_TIMEOUT_S:
                name = hopeless[0] if hopeless else children[0].name
                msg = f"{name} does not start: {_last_line(settings.home / 'logs' / f'{name}.log')}"
                raise CannotStart(msg)
            await asyncio.wait({running}, timeout=0.1)
    return not running.done()


async def _keep_postgres(postgres: EmbeddedPostgres, stopping: asyncio.Event, progress: Progress) -> None:
    while True:
        await asyncio.to_thread(postgres.wait)
        if stopping.is_set():
            return
        progress.notice(f"Postgres ended; starting it again (see {postgres.log})")
        postgres.stop()
        try:
            # In this thread on purpose: the server ends with the thread that starts it.
            postgres.start()
        except CannotStart as error:
            progress.notice(str(error))
            await asyncio.wait({asyncio.ensure_future(stopping.wait())}, timeout=5.0)


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _awaited(work: Awaitable[None]) -> None:
    await work


def _last_line(log: Path) -> str:
    try:
        return log.read_text(errors="replace").rstrip().rpartition("\n")[2] or "it says nothing"
    except OSError:
        return "it says nothing"
