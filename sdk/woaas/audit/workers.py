"""Checking blocks in processes of their own: what takes longest is done on every core, and taken over in order.

A worker is another run of the same interpreter, fed through its pipes: a program that verifies needs no guard around
its main module, and nothing is shared but what is sent.
"""

import gc
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from typing import IO

from .content import BlockCheck, Checked, Claims
from .records import Block
from .report import Rejected

# Blocks under way for each worker: enough that none waits, few enough to bound memory.
_AHEAD = 3


def check_blocks(blocks: Iterable[Block], claims: Claims, processes: int) -> Iterator[Checked]:
    """Check blocks in that many processes beside this one and yield the results in order; with 0 in this one.

    What is wrong with the blocks themselves is raised after the results of those before.
    """
    check = BlockCheck(claims).check
    source = iter(blocks)
    first = next(source, None)
    if first is None:
        return
    yield check(first)
    second = next(source, None)  # A short bundle is done before a process has started.
    if second is None:
        return
    if processes < 1 or not sys.executable or getattr(sys, "frozen", False):
        yield check(second)
        yield from map(check, source)
        return
    pool = [_Worker(claims) for _ in range(processes)]
    try:
        yield from _ordered(_chained(second, source), pool)
    finally:
        for worker in pool:
            worker.close()


def serve() -> None:
    """Be a worker: check blocks from standard input until it ends."""
    gc.disable()  # Nothing here refers to itself, and there is much of it.
    try:
        check = BlockCheck(pickle.load(sys.stdin.buffer)).check  # noqa: S301 - from the process that started this one
        while True:
            _write(sys.stdout.buffer, check(pickle.load(sys.stdin.buffer)))  # noqa: S301
    except (EOFError, KeyboardInterrupt):
        return


class _Worker:
    """One process, and the thread that waits for it."""

    def __init__(self, claims: Claims) -> None:
        self._check = BlockCheck(claims).check
        # -P: nothing is imported from where the user happens to be, which may hold what he was sent with the bundle.
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", "-c", f"from {__name__} import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        self._thread = ThreadPoolExecutor(1)
        self._thread.submit(self._send, claims)

    def submit(self, block: Block) -> "Future[Checked]":
        """Have a block checked."""
        return self._thread.submit(self._checked, block)

    def close(self) -> None:
        """End the process."""
        self._thread.shutdown(cancel_futures=True)
        self._process.kill()
        self._process.communicate()

    def _checked(self, block: Block) -> Checked:
        try:
            self._send(block)
            assert self._process.stdout is not None
            found = pickle.load(self._process.stdout)  # noqa: S301 - from our own process
        except (EOFError, OSError, pickle.UnpicklingError):
            return self._check(block)  # It has died; what it had to do is done here.
        assert isinstance(found, Checked)
        return found

    def _send(self, content: object) -> None:
        assert self._process.stdin is not None
        _write(self._process.stdin, content)


def _ordered(blocks: Iterator[Block], pool: list[_Worker]) -> Iterator[Checked]:
    under_way: deque[Future[Checked]] = deque()
    rejection: Rejected | None = None
    turns = cycle(pool)
    more = True
    while more or under_way:
        while more and len(under_way) < _AHEAD * len(pool):
            try:
                block = next(blocks, None)
            except Rejected as error:
                block, rejection = None, error
            more = block is not None
            if block is not None:
                under_way.append(next(turns).submit(block))
        if under_way:
            yield under_way.popleft().result()
    if rejection is not None:
        raise rejection


def _chained(first: Block, rest: Iterator[Block]) -> Iterator[Block]:
    yield first
    yield from rest


def _write(pipe: IO[bytes], content: object) -> None:
    pickle.dump(content, pipe, pickle.HIGHEST_PROTOCOL)
    pipe.flush()
