"""Reading a bundle's zip without trusting it: known names only, bounded sizes, each file hashed while it is read."""

import hashlib
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from .report import Malformed

FILES = frozenset(
    {
        "manifest.json",
        "checkpoint.txt",
        "previous-checkpoint.txt",
        "consistency.json",
        "checkpoints.jsonl",
        "entries.jsonl",
        "inclusion.jsonl",
        "range.json",
        "openings.jsonl",
        "entries.csv",
        "entries.parquet",
        "report.pdf",
        "keys/vkeys.txt",
        "VERIFY.md",
    }
)
MAX_SMALL_FILE = 1 << 20
MAX_LINE = 8 << 20
MAX_RATIO = 200
_CHUNK = 1 << 18
_END_RECORD = b"PK\x05\x06"
_END_RECORD_SIZE = 22
_ENCRYPTED = 0x1
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)


class Archive:
    """The files of a bundle; closes with the `with` block.

    Raises:
        Malformed: not a zip, or one with other names, repeated names, links, encryption, or a size out of proportion.
    """

    def __init__(self, path: Path) -> None:
        self.digests: dict[str, str] = {}
        self._file = path.open("rb")
        try:
            self._zip = zipfile.ZipFile(self._file)
            self._members = _checked(self._zip, self._file)
        except _UNREADABLE as error:
            self._file.close()
            msg = f"the bundle is not a readable zip: {error}"
            raise Malformed(msg) from error
        except Malformed:
            self._file.close()
            raise

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()
        self._file.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    @property
    def names(self) -> frozenset[str]:
        """The files present."""
        return frozenset(self._members)

    def read(self, name: str) -> bytes:
        """A small file as a whole.

        Raises:
            Malformed: it is missing, larger than 1 MiB or damaged.
        """
        if name not in self._members:
            msg = f"{name} is missing"
            raise Malformed(msg)
        if self._members[name].file_size > MAX_SMALL_FILE:
            msg = f"{name} is larger than {MAX_SMALL_FILE} bytes"
            raise Malformed(msg)
        return b"".join(self._chunks(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file, without their newline, read as a stream; what is wrong is as of `blocks`."""
        for block in self.blocks(name):
            lines = block.split(b"\n")
            lines.pop()
            yield from lines

    def blocks(self, name: str) -> Iterator[bytes]:
        """A file as a stream of whole lines, many at a time, each with its newline.

        Raises:
            Malformed: it is missing or damaged, a line is too long, or the last one does not end.
        """
        if name not in self._members:
            msg = f"{name} is missing"
            raise Malformed(msg)
        rest = b""
        for chunk in self._chunks(name):
            end = chunk.rfind(b"\n") + 1
            if end:
                yield rest + chunk[:end]
                rest = chunk[end:]
            else:
                rest += chunk
            if len(rest) > MAX_LINE:
                msg = f"{name} has a line of more than {MAX_LINE} bytes"
                raise Malformed(msg)
        if rest:
            msg = f"{name} does not end with a newline"
            raise Malformed(msg)

    def unpacked(self, name: str) -> BinaryIO:
        """A file of its own with a member's content, for readers that go back and forth; it is gone when closed.

        Raises:
            Malformed: the member is missing or damaged.
        """
        if name not in self._members:
            msg = f"{name} is missing"
            raise Malformed(msg)
        file = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
        try:
            file.writelines(self._chunks(name))
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file

    def digest(self, name: str) -> str:
        """SHA-256 of a file, in hex; what was read to its end is not read again."""
        if name not in self.digests:
            for _ in self._chunks(name):
                pass
        return self.digests[name]

    def _chunks(self, name: str) -> Iterator[bytes]:
        digest = hashlib.sha256()
        try:
            with self._zip.open(self._members[name]) as member:
                while chunk := member.read(_CHUNK):
                    digest.update(chunk)
                    yield chunk
        except _UNREADABLE as error:
            msg = f"{name} cannot be read: {error}"
            raise Malformed(msg) from error
        self.digests[name] = digest.hexdigest()


def _checked(archive: zipfile.ZipFile, file: BinaryIO) -> dict[str, zipfile.ZipInfo]:
    file.seek(-_END_RECORD_SIZE, 2)
    if archive.comment or file.read(4) != _END_RECORD:
        msg = "the zip has a comment or bytes after its end"
        raise Malformed(msg)
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if info.filename not in FILES or info.orig_filename != info.filename:
            msg = f"{info.orig_filename!r} is no file of a bundle"
            raise Malformed(msg)
        if info.filename in members:
            msg = f"{info.filename} is in the zip twice"
            raise Malformed(msg)
        if info.flag_bits & _ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            msg = f"{info.filename} is encrypted or compressed by another method than deflate"
            raise Malformed(msg)
        if info.file_size > MAX_SMALL_FILE and info.file_size > info.compress_size * MAX_RATIO:
            msg = f"{info.filename} would grow more than {MAX_RATIO} times when unpacked"
            raise Malformed(msg)
        members[info.filename] = info
    if not members or min(info.header_offset for info in members.values()) != 0:
        msg = "the zip is empty or has bytes before its first file"
        raise Malformed(msg)
    if sum(info.compress_size for info in members.values()) > file.seek(0, 2):
        msg = "the files of the zip overlap"
        raise Malformed(msg)
    return members
