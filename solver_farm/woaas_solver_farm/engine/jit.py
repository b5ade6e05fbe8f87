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
from numba.core import config, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")


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


@intrinsic
def _bare(_typing: object, kind: object) -> object:
    def build(context: object, builder: object, _signature: object, values: tuple[object]) -> object:
        return _without_counts(context, builder, kind, values[0])

    return kind(kind), build  # type: ignore[operator]  # numba's types are called to make a signature


def _without_counts(context: object, builder: object, kind: object, value: object) -> object:
    if isinstance(kind, types.BaseTuple):
        kinds: list[object] = list(kind)  # type: ignore[call-overload]  # a tuple's type iterates over its parts
        parts = [
            _without_counts(context, builder, part, builder.extract_value(value, i))  # type: ignore[attr-defined]
            for i, part in enumerate(kinds)
        ]
        return context.make_tuple(builder, kind, parts)  # type: ignore[attr-defined]
    array = make_array(kind)(context, builder, value)  # type: ignore[no-untyped-call]
    array.meminfo = array.meminfo.type(None)
    return array._getvalue()  # noqa: SLF001


@kernel
def bare(arrays: A) -> A:
    """The same (tuples of) arrays without their reference counts, for use while the caller keeps the arrays themselves.

    Counting references at every call between kernels takes as long as what they compute.
    """
    return _bare(arrays)  # type: ignore[call-arg]  # numba passes the typing context
