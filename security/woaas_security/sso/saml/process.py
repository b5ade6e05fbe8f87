"""The process that reads XML: it knows no secret, and answers each question in a child with bounded memory and time.

Run as ``python -I -m woaas_security.sso.saml.process``: questions come a line each on standard input, answers go out
so.
"""

import contextlib
import os
import resource
import select
import signal
import sys
import tempfile
import time

from woaas_security.sso.saml import judging, metadata
from woaas_security.sso.saml.messages import Answer, Fault, Judge, encoder, question_of
from woaas_security.sso.saml.reading import Refused

LONGEST_S = 10.0
_MAX_ANSWER = 1 << 20
_LIMITS = (
    (resource.RLIMIT_AS, 512 << 20),
    (resource.RLIMIT_CPU, 5),
    (resource.RLIMIT_FSIZE, 4 << 20),
    (resource.RLIMIT_NOFILE, 64),
    (resource.RLIMIT_CORE, 0),
)


def main() -> None:
    """Answer until nobody asks any more."""
    for line in sys.stdin.buffer:
        with tempfile.TemporaryDirectory(prefix="saml-") as place:
            tempfile.tempdir = place
            sys.stdout.buffer.write(_in_child(line) + b"\n")
        tempfile.tempdir = None
        sys.stdout.buffer.flush()


def answer(line: bytes) -> Answer:
    """The answer to a question."""
    try:
        question = question_of.decode(line)
        return judging.judge(question) if isinstance(question, Judge) else metadata.read(question)
    except Refused as refused:
        return Fault(str(refused))
    except MemoryError:
        return Fault("It takes too much memory.")
    except RecursionError:
        return Fault("It is nested too deeply.")


def _in_child(line: bytes) -> bytes:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.setpgid(0, 0)
            for limit, most in _LIMITS:
                resource.setrlimit(limit, (most, most))
            os.write(writer, encoder.encode(answer(line)))
        os._exit(0)
    os.close(writer)
    try:
        return _collected(reader) or encoder.encode(Fault("It could not be read within the limits."))
    finally:
        # Its own child, xmlsec1, is of its group.
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)


def _collected(reader: int) -> bytes:
    found, until = b"", time.monotonic() + LONGEST_S
    while len(found) < _MAX_ANSWER:
        ready, _, _ = select.select([reader], [], [], max(0.0, until - time.monotonic()))
        part = os.read(reader, 1 << 16) if ready else b""
        if not ready:
            return b""
        if not part:
            return found
        found += part
    return b""


if __name__ == "__main__":
    main()
