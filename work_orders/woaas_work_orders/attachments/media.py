"""What a file is: its declared media type against what its first bytes say. Pure.

Nothing is unpacked: an archive is looked at as far as its first bytes, whatever it would become.
"""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from woaas_core.wire import invalid

HEAD_BYTES = 4096
"""How much of a file's beginning is looked at."""
UNDECLARED = "application/octet-stream"
_SAME = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "application/x-pdf": "application/pdf",
    "application/x-gzip": "application/gzip",
    "application/x-zip-compressed": "application/zip",
    "application/x-zip": "application/zip",
}
_EXECUTABLE = frozenset(
    {
        *("application/vnd.microsoft.portable-executable", "application/x-msdownload", "application/x-dosexec"),
        *("application/x-executable", "application/x-elf", "application/x-mach-binary", "application/x-sharedlib"),
    }
)
_EXECUTABLE_BEGINNINGS = (b"MZ", b"\x7fELF", b"\xfe\xed\xfa", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_MARKUP = (b"<!doctype html", b"<html", b"<script", b"<svg")
# What is a zip inside begins like one, whatever it calls itself.
_ZIP = b"PK\x03\x04"


class _Beginning(NamedTuple):
    """What a file's first bytes may be, by the library's signatures."""

    types: frozenset[str]
    is_executable: bool
    is_markup: bool
    is_binary: bool


def media_type_of(declared: str, head: bytes) -> str:
    """The media type to keep of a file declared as one.

    Where none is declared it is the type of which alone the beginning is a sign.

    Raises:
        Invalid: the content is of another type than declared.
    """
    plain = declared.partition(";")[0].strip().lower()
    named = _SAME.get(plain, plain) or UNDECLARED
    found = _look(head)
    if named == UNDECLARED:
        return next(iter(found.types)) if len(found.types) == 1 else UNDECLARED
    if not _agrees(named, found, head):
        told = ", ".join(sorted(found.types)[:3]) or "something else"
        raise invalid("/media_type", "media_type_mismatch", f"Declared as {named}, but the content is {told}.")
    return named


def _agrees(named: str, found: _Beginning, head: bytes) -> bool:
    if found.is_executable:
        return named in _EXECUTABLE
    if _is_text(named):
        return not found.is_binary and (not found.is_markup or named != "text/plain")
    if found.is_markup:
        return False
    if named not in _signed() or not head:
        return True
    return named in found.types or (head.startswith(_ZIP) and named in _zips())


def _look(head: bytes) -> _Beginning:
    from puremagic import PureError, magic_string  # noqa: PLC0415 - loads its signatures, which is slow

    try:
        matches = magic_string(head) if head else []
    except PureError:
        matches = []
    begins = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    return _Beginning(
        types=_normal(m.mime_type for m in matches),
        is_executable=head.startswith(_EXECUTABLE_BEGINNINGS),
        is_markup=begins.startswith(_MARKUP),
        is_binary=b"\0" in head,
    )


def _is_text(named: str) -> bool:
    return named.startswith("text/") or named.endswith(("+xml", "/xml", "json", "javascript"))


def _normal(types: Iterable[str]) -> frozenset[str]:
    return frozenset(_SAME.get(t, t) for t in types if t)


@cache
def _signed() -> frozenset[str]:
    """The types that a signature at the beginning tells."""
    from puremagic.main import magic_header_array  # noqa: PLC0415 - as above

    return _normal(m.mime_type for m in magic_header_array if m.offset == 0)


@cache
def _zips() -> frozenset[str]:
    return _look(_ZIP + bytes(30)).types | {"application/zip", "model/3mf", "application/epub+zip"}
