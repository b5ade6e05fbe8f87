"""Asking the process that reads XML; it starts with the first question, and anew after it has died."""

import asyncio
import importlib.util
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import msgspec

from woaas_core.errors import GuardFailed
from woaas_security.sso.saml.messages import Answer, Fault, Question, answer_of, encoder

_COMMAND = (sys.executable, "-I", "-m", "woaas_security.sso.saml.process")
_LONGEST_S = 30.0
_UNREADABLE = Fault("It could not be read within the limits.")


class SAMLMissing(GuardFailed):
    """This installation has no SAML."""

    code = "saml_missing"
    title = "SAML is not installed here"
    hint = "Install woaas-server[saml] and the system's xmlsec1, or connect the provider by OpenID Connect."


def tool() -> str:
    """Where xmlsec1 is.

    Raises:
        SAMLMissing: it is not there, or the extra is not.
    """
    found = shutil.which("xmlsec1")
    # Processes are forked and limited as POSIX has it.
    if found is None or importlib.util.find_spec("saml2") is None or sys.platform == "win32":
        raise SAMLMissing
    return found


class Verifier:
    """The process, with one question under way at a time; the others wait in line."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        # Threads of its own, so that nobody waits here for those that passwords are checked in.
        self._line = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saml")

    async def ask(self, question: Question) -> Answer:
        """The answer to a question; a fault where it takes too long.

        Raises:
            SAMLMissing: nobody here can answer.
        """
        tool()
        asked = asyncio.get_running_loop().run_in_executor(self._line, self._ask, encoder.encode(question))
        try:
            async with asyncio.timeout(_LONGEST_S):
                return await asked
        except TimeoutError:
            self._end()
            return _UNREADABLE

    def close(self) -> None:
        """End the process."""
        self._end()
        self._line.shutdown(wait=False, cancel_futures=True)

    def _ask(self, line: bytes) -> Answer:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(line + b"\n")
            process.stdin.flush()
            found: Answer = answer_of.decode(process.stdout.readline())
        except (OSError, ValueError, msgspec.DecodeError):
            self._end()
            return _UNREADABLE
        return found

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            pipe, null = subprocess.PIPE, subprocess.DEVNULL
            # Neither our environment, which has secrets in it, nor our files.
            self._process = subprocess.Popen(  # noqa: S603 - a fixed command
                _COMMAND, stdin=pipe, stdout=pipe, stderr=null, env={}, cwd="/"
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
