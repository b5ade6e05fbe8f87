import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures.database import execute, fetch
from fixtures.processes import eventually, mentioning

from woaas_infra.postgres import postmaster

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# A real child that answers HTTP, in place of the API: what is tested is how `up` starts and ends things.
PROGRAM = """
import sys
from pathlib import Path
from woaas_core.settings import Settings
from woaas_infra.cli import app, main
from woaas_infra.listening import answers
from woaas_infra.progress import Progress
from woaas_infra.supervisor import Child
from woaas_infra.up import Assembly, up

async def seed(settings):
    (settings.home / "credentials.json").write_text(settings.database_url)

@app.command
def try_up(home: Path, port: int, child: str = "http"):
    settings = Settings.load(home=home, port=port)
    programs = {
        "http": ["-m", "http.server", "--bind", settings.host, "--directory", str(home)],
        "broken": ["-c", "raise SystemExit('it is broken')"],
    }
    up(settings, Assembly(
        migrate=lambda dsn: None,
        seed=seed,
        children=lambda s: [Child("api", [sys.executable, *programs[child], *([str(s.port)] * (child == "http"))])],
        is_ready=lambda s: answers(s.host, s.port, "/"),
        try_next=lambda s: [f"port is {s.port}"],
    ), Progress())
main()
"""


class Up:
    """A running ``up`` and what it printed until it was ready."""

    def __init__(self, home: Path, *more: str) -> None:
        self.home = home
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "try-up", str(home), *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        )
        self.output = ""

    def until_ready(self) -> "Up":
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if line.startswith("╰"):
                return self
        raise AssertionError(self.output)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        self.output += self.process.communicate(timeout=180)[0]
        return self.process.returncode

    @property
    def dsn(self) -> str:
        return (self.home / "credentials.json").read_text()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    for pid in mentioning(str(tmp_path)):
        os.kill(pid, signal.SIGKILL)


class TestUp:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_clean_stop_ends_everything_and_keeps_the_data(self, home: Path, number: signal.Signals) -> None:
        first = Up(home, "0").until_ready()
        assert "WOaaS is ready" in first.output
        assert "1. port is" in first.output
        execute(first.dsn, "CREATE TABLE kept AS SELECT 5 AS n")
        assert first.end(number) == 0
        assert mentioning(str(home)) == []
        second = Up(home, "0").until_ready()
        assert fetch(second.dsn, "SELECT n FROM kept") == [(5,)]
        assert second.end(number) == 0

    def test_a_second_up_names_the_first(self, home: Path) -> None:
        first = Up(home, "0").until_ready()
        url = next(word for word in first.output.split() if word.startswith("http://"))
        second = Up(home, "0")
        assert second.process.wait(60) == 1
        assert second.process.stdout is not None
        said = second.process.stdout.read()
        assert said.count("\n") == 1
        assert f"pid {first.process.pid}" in said
        assert url in said
        assert first.end(signal.SIGTERM) == 0

    def test_a_taken_port_is_said_before_anything_starts(self, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            refused = Up(home, str(taken.getsockname()[1]))
            assert refused.process.wait(60) == 1
        assert refused.process.stdout is not None
        assert "choose another --port" in refused.process.stdout.read()
        assert not (home / "postgres").exists()

    def test_a_child_that_never_comes_up_ends_it_with_its_last_words(self, home: Path) -> None:
        refused = Up(home, "0", "broken")
        said = refused.process.communicate(timeout=180)[0]
        assert refused.process.returncode == 1
        assert "api does not start" in said
        assert "it is broken" in said.splitlines()[-1]
        assert mentioning(str(home)) == []

    def test_killed_up_leaves_no_process_and_the_next_recovers(self, home: Path) -> None:
        first = Up(home, "0").until_ready()
        execute(first.dsn, "CREATE TABLE kept AS SELECT 6 AS n")
        first.end(signal.SIGKILL)
        eventually(lambda: mentioning(str(home)) == [], "no orphan")
        second = Up(home, "0").until_ready()
        assert fetch(second.dsn, "SELECT n FROM kept") == [(6,)]
        assert second.end(signal.SIGTERM) == 0

    def test_a_killed_postgres_is_started_again_while_it_runs(self, home: Path) -> None:
        running = Up(home, "0").until_ready()
        data = home / "postgres" / "data"
        before = postmaster.living(data)
        assert before is not None
        os.kill(before.pid, signal.SIGKILL)

        def is_back() -> bool:
            now = postmaster.living(data)
            return now is not None and now.pid != before.pid and now.status == postmaster.READY

        eventually(is_back, "Postgres is back")
        assert fetch(running.dsn, "SELECT 1") == [(1,)]
        assert running.end(signal.SIGTERM) == 0
        assert "Postgres ended; starting it again" in running.output
        assert mentioning(str(home)) == []


class TestCommandLine:
    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "woaas_infra", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=180, check=False, env={**os.environ, **env}
        )

    def test_help_loads_no_heavy_module(self) -> None:
        program = "import sys; import woaas_infra.cli; print({'sqlalchemy', 'asyncpg', 'alembic'} & set(sys.modules))"
        assert subprocess.check_output([sys.executable, "-c", program], text=True) == "set()\n"

    def test_migrate_starts_and_stops_the_homes_postgres(self, home: Path) -> None:
        done = self.run("migrate", WOAAS_HOME=str(home))
        assert (done.returncode, done.stdout) == (0, "The schema is up to date.\n"), done.stderr
        assert mentioning(str(home)) == []

    def test_a_wrong_variable_is_one_line(self, home: Path) -> None:
        refused = self.run("up", WOAAS_HOME=str(home), WOAAS_PORT="many")
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1
        assert refused.stderr.startswith("woaas-server: configuration:")
