"""Starts a program that cannot outlive its parent and, where asked, is not root.

Run as a plain script by a bare interpreter (``python -I -S launch.py …``), so it imports nothing of ours and costs
some 15 ms. On Linux the kernel itself sends the death signal and this process *becomes* the program; elsewhere, and for
a program with a family, it stays between the two and watches.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence

SAME, NAMESPACE, NOBODY = "same", "namespace", "nobody"
ALONE, FAMILY = "alone", "family"
# What `launch` exits with when the kernel refuses to leave root (EX_NOPERM of sysexits.h).
REFUSED = 77

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_USER_IN_NAMESPACE = 1000


def launched(
    command: Sequence[str], *, death_signal: signal.Signals, identity: str = SAME, kin: str = ALONE
) -> list[str]:
    """The command line that runs ``command`` under this module's care.

    ``kin=FAMILY`` is for one that starts processes which would outlive it: its whole group ends with the parent, so
    it has to be started in a session of its own.

    The *thread* that starts it counts as the parent on Linux, so start it from one that lives as long as the
    program should; that is the main thread.
    """
    head = [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(death_signal)), identity, kin]
    return [*head, *command]


def main(arguments: Sequence[str]) -> None:
    """Leave root, tie this process to its parent, become the command; never returns."""
    parent, death_signal, identity, kin, *command = arguments
    try:
        if identity == NAMESPACE:
            _enter_namespace()
        elif identity == NOBODY:
            _become_nobody()
    except OSError as error:
        sys.stderr.write(f"cannot leave root: {error}\n")
        sys.exit(REFUSED)
    becomes = sys.platform == "linux" and kin == ALONE
    # After the change of identity, which clears the death signal.
    if becomes:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("the parent has gone")
    try:
        if not becomes:
            is_tied = sys.platform == "linux"
            tied = launched(command, death_signal=signal.SIGKILL) if is_tied else command
            _watch(int(parent), int(death_signal), kin, tied)
        os.execv(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


def _enter_namespace() -> None:
    # In its own user namespace root is an ordinary user, while every file keeps its owner on disk.
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{_USER_IN_NAMESPACE} {uid} 1"),
        ("gid_map", f"{_USER_IN_NAMESPACE} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)


def _become_nobody() -> None:
    import pwd  # noqa: PLC0415 - one of three ways, and every millisecond here is paid at each start

    nobody = pwd.getpwnam("nobody")
    os.chdir("/")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)


def _watch(parent: int, death_signal: int, kin: str, command: list[str]) -> None:
    child = os.spawnv(os.P_NOWAIT, command[0], command)  # noqa: S606
    for forwarded in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(forwarded, lambda number, _frame: os.kill(child, number))
    while os.getppid() == parent:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
        time.sleep(0.1)
    if kin == FAMILY:
        os.killpg(0, death_signal)
    os.kill(child, death_signal)
    os.waitpid(child, 0)
    sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
