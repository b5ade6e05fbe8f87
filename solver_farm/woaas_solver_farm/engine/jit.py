"""How kernels are compiled: once, without the interpreter lock, kept on disk between processes.

numba renews a cached kernel when its own file changes, not when a kernel it calls does. The cache is therefore kept
in a folder named after all of the engine's sources, so that a new release never runs a mixture.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba
from numba.core import config

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers and arrays on its first call, or load it from the cache."""
    return cast("Callable[P, R]", numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def _use_versioned_cache() -> None:
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    version = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(chosen) if chosen else Path(__file__).parent / "__pycache__"
    if chosen or os.access(Path(__file__).parent, os.W_OK):
        config.CACHE_DIR = str(folder / f"kernels-{version}")  # type: ignore[attr-defined]  # made at run time


_use_versioned_cache()
