import os
import subprocess
import sys
from pathlib import Path

from woaas_infra.lock import ProcessLock


def test_only_one_holder_and_it_says_who(tmp_path: Path) -> None:
    with ProcessLock(tmp_path / "lock") as held:
        assert held.acquire(url="http://a")
        other = ProcessLock(tmp_path / "lock")
        assert not other.acquire(url="http://b")
        assert other.holder() == (os.getpid(), {"url": "http://a"})
        held.note(url="http://c")
        assert other.holder() == (os.getpid(), {"url": "http://c"})
    assert other.acquire()
    other.release()


def test_nobody_holds_a_released_lock(tmp_path: Path) -> None:
    with ProcessLock(tmp_path / "lock") as held:
        held.acquire(url="http://a")
    assert held.holder() == (None, {})


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from woaas_infra.lock import ProcessLock
lock = ProcessLock(Path({str(tmp_path / "lock")!r}))
print(lock.acquire(), flush=True)
input()
"""
    holder = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    lock = ProcessLock(tmp_path / "lock")
    assert not lock.acquire()
    holder.kill()
    holder.communicate()
    assert lock.acquire()
    lock.release()
