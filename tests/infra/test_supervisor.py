import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.processes import PATIENCE_S, eventually, is_alive, mentioning

from woaas_infra import supervisor as supervision
from woaas_infra.supervisor import Child, Supervisor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE_S", 0.01)


def python(name: str, program: str, **options: object) -> Child:
    return Child(name, [sys.executable, "-c", program], **options)  # type: ignore[arg-type]


async def until(claim: Callable[[], object], what: str) -> None:
    """Wait for a claim while the event loop goes on."""
    await asyncio.to_thread(eventually, claim, what)


WAITS = "import signal; print('up', flush=True); signal.pause()"


class TestRunning:
    def test_a_child_that_dies_is_started_again(self, tmp_path: Path) -> None:
        told: list[tuple[str, int, float]] = []

        async def story() -> None:
            supervisor = Supervisor(
                [python("api", WAITS)], tmp_path, on_restart=lambda name, code, pause: told.append((name, code, pause))
            )
            running = asyncio.create_task(supervisor.run())
            await until(lambda: supervisor.pid("api"), "started")
            first = supervisor.pid("api")
            assert first is not None
            os.kill(first, signal.SIGKILL)
            await until(lambda: supervisor.pid("api") not in {None, first}, "started again")
            supervisor.stop()
            await running

        asyncio.run(story())
        assert told == [("api", -signal.SIGKILL, 0.01)]

    def test_pauses_grow_with_each_failure(self, tmp_path: Path) -> None:
        pauses: list[float] = []

        async def story() -> None:
            supervisor = Supervisor(
                [python("broken", "raise SystemExit(3)")],
                tmp_path,
                on_restart=lambda _name, _code, pause: pauses.append(pause),
            )
            running = asyncio.create_task(supervisor.run())
            await until(lambda: len(pauses) >= 3, "three failures")
            assert supervisor.failures("broken") >= 3
            supervisor.stop()
            await running

        asyncio.run(story())
        assert pauses[:3] == [0.01, 0.02, 0.04]

    def test_a_child_on_demand_waits_for_the_need_and_may_end(self, tmp_path: Path) -> None:
        needs: asyncio.Queue[None] = asyncio.Queue()
        log = tmp_path / "solver.log"

        async def story() -> None:
            supervisor = Supervisor([python("solver", "print('solved')", needed=needs.get)], tmp_path)
            running = asyncio.create_task(supervisor.run())
            for times in (1, 2):
                needs.put_nowait(None)
                await until(lambda n=times: log.exists() and log.read_text().count("solved") == n, "solved")
            assert supervisor.failures("solver") == 0
            supervisor.stop()
            await running

        asyncio.run(story())

    def test_output_is_kept_line_by_line_with_the_name(self, tmp_path: Path) -> None:
        program = "import sys; print('out'); print('err', file=sys.stderr); sys.stdout.write('no newline')"

        async def story() -> None:
            ended = asyncio.Event()
            supervisor = Supervisor([python("api", program)], tmp_path, on_restart=lambda *_told: ended.set())
            running = asyncio.create_task(supervisor.run())
            await ended.wait()
            supervisor.stop()
            await running

        asyncio.run(story())
        lines = (tmp_path / "api.log").read_text().splitlines()
        assert {line.partition("Z ")[2] for line in lines[:3]} == {"api | out", "api | err", "api | no newline"}


class TestStopping:
    def test_children_are_asked_first(self, tmp_path: Path) -> None:
        program = f"""
import signal, sys
def leave(*_):
    print('left in peace', flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
{WAITS}
"""

        async def story() -> None:
            supervisor = Supervisor([python("api", program)], tmp_path)
            running = asyncio.create_task(supervisor.run())
            await until((tmp_path / "api.log").exists, "it is up")
            supervisor.stop()
            await running

        asyncio.run(story())
        assert "left in peace" in (tmp_path / "api.log").read_text()

    @pytest.mark.parametrize("is_hurried", [False, True])
    def test_one_that_does_not_listen_is_killed_with_its_own_children(self, tmp_path: Path, is_hurried: bool) -> None:
        program = f"""
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()', {str(tmp_path)!r}])
{WAITS}
"""
        grace_s = 600.0 if is_hurried else 0.05

        async def story() -> None:
            supervisor = Supervisor([python("deaf", program, grace_s=grace_s)], tmp_path)
            running = asyncio.create_task(supervisor.run())
            await until((tmp_path / "deaf.log").exists, "it is up")
            supervisor.stop()
            if is_hurried:
                supervisor.stop()
            async with asyncio.timeout(PATIENCE_S):
                await running

        asyncio.run(story())
        eventually(lambda: not mentioning(str(tmp_path)), "its own child is gone too")


@pytest.mark.parametrize("is_watched", [False, True], ids=["by the kernel", "by a process between"])
def test_no_child_outlives_a_killed_supervisor(tmp_path: Path, is_watched: bool) -> None:
    program = f"""
import asyncio, sys
from pathlib import Path
from woaas_infra.supervisor import Child, Supervisor
deaf = "import os, signal; signal.signal(15, 1); print(os.getpid(), flush=True); signal.pause()"
asyncio.run(Supervisor([Child("deaf", [sys.executable, "-c", deaf])], Path({str(tmp_path)!r})).run())
"""
    if is_watched:
        # What launch does where the kernel sends no death signal.
        program = program.replace("asyncio.run", "supervise = asyncio.run", 1).replace(
            "import asyncio, sys", "import asyncio, sys\nimport woaas_infra.supervisor as module\n" + WATCHED
        )
    supervisor = subprocess.Popen([sys.executable, "-c", program])
    log = tmp_path / "deaf.log"
    eventually(lambda: log.exists() and log.read_text().endswith("\n"), "the child is up")
    pid = int(log.read_text().rpartition("| ")[2])
    assert is_alive(pid)
    supervisor.kill()
    supervisor.wait()
    eventually(lambda: not is_alive(pid), "the child has ended")


def test_a_killed_supervisor_takes_the_family_of_a_child_along(tmp_path: Path) -> None:
    """As Ray's agents do, the grandchild heeds no signal of its parent's end."""
    program = f"""
import asyncio, sys
from pathlib import Path
from woaas_infra.launch import FAMILY
from woaas_infra.supervisor import Child, Supervisor
child = '''
import signal, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import signal; signal.signal(15, 1); signal.pause()", {str(tmp_path)!r}])
print("up", flush=True)
signal.pause()
'''
asyncio.run(Supervisor([Child("solver", [sys.executable, "-c", child], kin=FAMILY)], Path({str(tmp_path)!r})).run())
"""
    supervisor = subprocess.Popen([sys.executable, "-c", program])
    log = tmp_path / "solver.log"
    eventually(lambda: log.exists() and "up" in log.read_text(), "the family is there")
    supervisor.kill()
    supervisor.wait()
    eventually(lambda: not mentioning(str(tmp_path)), "the whole family has ended")


WATCHED = """
from pathlib import Path as P
import woaas_infra.launch as launch
portable = P(launch.__file__).read_text().replace('sys.platform == "linux"', 'False').replace(
    'sys.platform != "linux"', 'True')
def launched(command, **options):
    head = launch.launched(command, **options)
    return [*head[:3], "-c", portable, *head[4:]]
module.launched = launched
"""
