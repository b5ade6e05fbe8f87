import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fixtures.database import execute, fetch
from fixtures.processes import eventually, is_alive, mentioning

from woaas_infra import launch
from woaas_infra.errors import CannotStart, DiskFull, NotTraversable, OtherMajorVersion
from woaas_infra.postgres import place as places
from woaas_infra.postgres import postmaster
from woaas_infra.postgres.binaries import Binaries, find_binaries
from woaas_infra.postgres.cluster import explain
from woaas_infra.postgres.server import EmbeddedPostgres

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to leave")
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def server_pid(home: Path) -> int:
    found = postmaster.living((home / "postgres").resolve() / "data")
    assert found is not None
    return found.pid


class TestLife:
    def test_a_fresh_home_becomes_a_server_that_answers(self, tmp_path: Path) -> None:
        with EmbeddedPostgres(tmp_path, durable=False) as dsn:
            assert fetch(dsn, "SELECT current_user::text, current_setting('listen_addresses')") == [("postgres", "")]
        assert not postmaster.living(tmp_path / "postgres" / "data")

    def test_commits_are_durable_unless_a_test_says_otherwise(self, tmp_path: Path) -> None:
        query = "SELECT setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')"
        with EmbeddedPostgres(tmp_path) as dsn:
            assert fetch(dsn, query) == [("on",)] * 3

    def test_data_is_kept_over_a_restart(self, tmp_path: Path) -> None:
        for _ in range(2):
            with EmbeddedPostgres(tmp_path, durable=False) as dsn:
                execute(dsn, "CREATE TABLE IF NOT EXISTS kept (n int)", "INSERT INTO kept VALUES (1)")
                count = fetch(dsn, "SELECT count(*) FROM kept")
        assert count == [(2,)]

    def test_starting_twice_is_starting_once(self, tmp_path: Path) -> None:
        server = EmbeddedPostgres(tmp_path, durable=False)
        try:
            first = server.start()
            pid = server_pid(tmp_path)
            assert server.start() == first
            assert server_pid(tmp_path) == pid
        finally:
            server.stop()

    def test_a_second_owner_shares_the_server_and_cannot_stop_it(self, tmp_path: Path) -> None:
        first, second = EmbeddedPostgres(tmp_path, durable=False), EmbeddedPostgres(tmp_path, durable=False)
        try:
            assert first.start() == second.start()
            second.stop()
            assert first.is_running()
        finally:
            first.stop()
        assert not second.is_running()

    def test_two_homes_run_side_by_side(self, tmp_path: Path) -> None:
        with (
            EmbeddedPostgres(tmp_path / "a", durable=False) as a,
            EmbeddedPostgres(tmp_path / "b", durable=False) as b,
        ):
            execute(a, "CREATE TABLE only_in_a ()")
            assert fetch(b, "SELECT to_regclass('only_in_a')::text") == [(None,)]

    def test_what_a_user_has_in_pg_variables_does_not_matter(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGPORT", "6543")
        monkeypatch.setenv("PGDATA", "/nonexistent")
        with EmbeddedPostgres(tmp_path, durable=False) as dsn:
            assert fetch(dsn, "SELECT 1") == [(1,)]


class TestPlace:
    @pytest.mark.parametrize("name", ["x" * 120, "with space", "with,comma", "工厂", "it's"])
    def test_any_path_will_do(self, tmp_path: Path, name: str) -> None:
        server = EmbeddedPostgres(tmp_path / name, durable=False)
        try:
            assert fetch(server.start(), "SELECT 1") == [(1,)]
            folder = server._place.socket  # type: ignore[union-attr]
            assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= places.LONGEST_SOCKET_PATH
            assert folder.stat().st_mode & 0o777 == 0o700
        finally:
            server.stop()
        assert folder.is_relative_to(tmp_path) or not folder.exists()

    def test_folders_above_keep_their_modes(self, tmp_path: Path) -> None:
        above = tmp_path / "private" / "deeper"
        above.mkdir(mode=0o700, parents=True)
        before = [folder.stat() for folder in (above, *above.parents)]
        with EmbeddedPostgres(above / "home", durable=False):
            pass
        after = [folder.stat() for folder in (above, *above.parents)]
        assert [(s.st_mode, s.st_uid, s.st_gid) for s in after] == [(s.st_mode, s.st_uid, s.st_gid) for s in before]

    def test_a_socket_folder_somebody_else_prepared_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = tmp_path / ("x" * 100)
        home.mkdir()
        # Not tmp_path: the path must be short enough for a socket.
        with tempfile.TemporaryDirectory(dir="/tmp") as shared:
            monkeypatch.setenv("XDG_RUNTIME_DIR", shared)
            (Path(shared) / f"woaas-{places._digest(home)}").symlink_to(tmp_path)
            with pytest.raises(CannotStart, match="not a private folder"):
                EmbeddedPostgres(home, durable=False).start()

    @as_root
    @linux
    def test_root_is_left_in_a_user_namespace(self, tmp_path: Path) -> None:
        with EmbeddedPostgres(tmp_path, durable=False):
            status = Path(f"/proc/{server_pid(tmp_path)}/status").read_text()
            assert "CapEff:\t0000000000000000" in status

    @as_root
    @linux
    def test_without_namespaces_the_server_is_nobodys(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(places, "_namespace_works", lambda: False)
        folder = Path("/var/tmp") / f"woaas-test-{os.getpid()}"
        monkeypatch.setattr(places, "NOBODYS_FOLDER", folder)
        try:
            for _ in range(2):
                with EmbeddedPostgres(tmp_path, durable=False) as dsn:
                    assert fetch(dsn, "SELECT 1") == [(1,)]
                    uid = Path(f"/proc/{server_pid(tmp_path)}").stat().st_uid
            data = (tmp_path / "postgres").resolve() / "data"
            assert data.is_relative_to(folder)
            assert uid != 0
            assert data.stat().st_uid == uid
            assert data.parent.stat().st_mode & 0o777 == 0o700
        except NotTraversable as error:
            pytest.skip(f"the checkout itself is closed to nobody: {error}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @as_root
    def test_a_folder_nobody_cannot_enter_is_named(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(places, "_namespace_works", lambda: False)
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        tmp_path.chmod(0o700)
        monkeypatch.setattr(places, "NOBODYS_FOLDER", closed / "woaas")
        home = tmp_path / "home"
        with pytest.raises(NotTraversable, match="nobody cannot enter") as caught:
            EmbeddedPostgres(home).start()
        assert str(tmp_path.parents[0]) in str(caught.value) or str(closed) in str(caught.value)
        assert closed.stat().st_mode & 0o777 == 0o700


@linux
class TestAfterAKill:
    def test_a_killed_server_starts_again_with_its_data(self, tmp_path: Path) -> None:
        server = EmbeddedPostgres(tmp_path)
        try:
            execute(server.start(), "CREATE TABLE kept AS SELECT 42 AS n")
            os.kill(server_pid(tmp_path), signal.SIGKILL)
            assert server.wait() == -signal.SIGKILL
            assert fetch(server.start(), "SELECT n FROM kept") == [(42,)]
        finally:
            server.stop()

    def test_a_pid_that_now_belongs_to_another_process_does_not_hinder(self, tmp_path: Path) -> None:
        with EmbeddedPostgres(tmp_path, durable=False):
            left = {
                path: path.read_text()
                for path in (
                    tmp_path / "postgres" / "data" / "postmaster.pid",
                    *(tmp_path / "postgres" / "socket").glob("*.lock"),
                )
            }
            was = str(server_pid(tmp_path))
        stranger = subprocess.Popen(["/bin/sleep", "600"])
        try:
            for path, text in left.items():
                path.write_text(text.replace(was, str(stranger.pid)))
            with EmbeddedPostgres(tmp_path, durable=False) as dsn:
                assert fetch(dsn, "SELECT 1") == [(1,)]
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    def test_no_server_outlives_a_killed_owner_and_the_next_start_recovers(self, tmp_path: Path) -> None:
        owner = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"""
from pathlib import Path
from woaas_infra.postgres.server import EmbeddedPostgres
server = EmbeddedPostgres(Path({str(tmp_path)!r}))
print(server.start(), flush=True)
server.wait()
""",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert owner.stdout is not None
        execute(owner.stdout.readline().strip(), "CREATE TABLE kept AS SELECT 7 AS n")
        pid = server_pid(tmp_path)
        owner.kill()
        owner.communicate()
        with EmbeddedPostgres(tmp_path) as dsn:
            assert not is_alive(pid)
            assert fetch(dsn, "SELECT n FROM kept") == [(7,)]
        eventually(lambda: not mentioning(str(tmp_path)), "every process of the home has ended")

    def test_a_first_start_that_was_interrupted_is_begun_anew(self, tmp_path: Path) -> None:
        half_done = tmp_path / "postgres" / "data.unfinished"
        half_done.parent.mkdir(mode=0o700)
        half_done.mkdir()
        (half_done / "PG_VERSION").write_text("1")
        with EmbeddedPostgres(tmp_path, durable=False) as dsn:
            assert fetch(dsn, "SELECT 1") == [(1,)]
        assert not half_done.exists()


class TestRefusal:
    def test_a_data_directory_of_another_version(self, tmp_path: Path) -> None:
        with EmbeddedPostgres(tmp_path, durable=False):
            pass
        version = tmp_path / "postgres" / "data" / "PG_VERSION"
        version.write_text("12\n")
        with pytest.raises(OtherMajorVersion, match="belongs to Postgres 12"):
            EmbeddedPostgres(tmp_path).start()

    def test_a_disk_with_too_little_room(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = shutil._ntuple_diskusage(10**9, 10**9 - 10**6, 10**6)  # type: ignore[attr-defined]
        monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
        with pytest.raises(DiskFull, match="1 MB free"):
            EmbeddedPostgres(tmp_path).start()

    @as_root
    @linux
    def test_a_disk_that_fills_up_while_the_data_directory_is_made(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        small = tmp_path / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(small)], check=False)
        if mounted.returncode != 0:
            pytest.skip("may not mount a small disk here")
        try:
            monkeypatch.setattr("woaas_infra.postgres.cluster.FREE_BYTES_TO_CREATE", 0)
            with pytest.raises(DiskFull, match="is full"):
                EmbeddedPostgres(small / "home").start()
            assert not (small / "home" / "postgres" / "data").exists()
        finally:
            subprocess.run(["umount", str(small)], check=True)

    def test_a_server_that_gives_up_is_quoted(self, tmp_path: Path) -> None:
        with EmbeddedPostgres(tmp_path, durable=False):
            pass
        (tmp_path / "postgres" / "data" / "postgresql.conf").write_text("no_such_setting = 1\n")
        with pytest.raises(CannotStart, match=r"did not start: configuration file .* contains errors"):
            EmbeddedPostgres(tmp_path).start()

    def test_a_variable_that_points_nowhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WOAAS_POSTGRES_BIN", str(tmp_path))
        with pytest.raises(CannotStart, match="WOAAS_POSTGRES_BIN"):
            find_binaries()

    @pytest.mark.parametrize("output", ["LOG: a\n10:00 [1] FATAL:  x\nDETAIL: b\n", "a\nx\n"])
    def test_the_telling_line_is_passed_on(self, tmp_path: Path, output: str) -> None:
        assert str(explain(output, tmp_path)) == "Postgres did not start: x"


def test_the_systems_postgres_serves_as_well(tmp_path: Path) -> None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        pytest.skip("no Debian Postgres on this machine")
    binaries = Binaries(folders[0], int(folders[0].parent.name))
    with EmbeddedPostgres(tmp_path, durable=False, binaries=binaries) as dsn:
        assert fetch(dsn, "SELECT current_setting('server_version_num')::int / 10000") == [(binaries.major,)]


def test_launch_reports_a_program_that_cannot_run() -> None:
    command = launch.launched(["/nonexistent"], death_signal=signal.SIGKILL)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot run /nonexistent" in done.stderr
