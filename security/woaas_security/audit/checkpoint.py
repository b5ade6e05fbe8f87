"""Checkpoints (C2SP tlog-checkpoint): what the log states about its tree, to be signed as a note."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from .cosignature import cosign
from .note import MalformedNote, SigningKey, VerifierKey, decode_base64, open_note, sign_note
from .tree import HASH_SIZE

_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size and root of the tree of one origin; `extensions` are further lines, kept but not interpreted."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The body that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    def sign(self, keys: Iterable[SigningKey], at: datetime | None = None) -> str:
        """The signed note; every key signs under the origin's name and, where a time is given, cosigns with it."""
        named = [key.named(self.origin) for key in keys]
        text = self.text()
        return sign_note(text, named) + "".join(cosign(text, key, at) for key in named if at is not None)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The checkpoint that a note's text states.

        Raises:
            MalformedNote: origin, decimal size or root is missing or not in its one canonical form.
        """
        lines = text.removesuffix("\n").split("\n")
        if not text.endswith("\n") or len(lines) < 3 or not all(lines):
            msg = "a checkpoint is an origin, a size, a root and non-empty extension lines"
            raise MalformedNote(msg)
        origin, size, root, *extensions = lines
        if not _SIZE.fullmatch(size):
            msg = f"the size of a checkpoint is a decimal number, not {size!r}"
            raise MalformedNote(msg)
        root_hash = decode_base64(root)
        if len(root_hash) != HASH_SIZE:
            msg = f"the root of a checkpoint has {HASH_SIZE} bytes, not {len(root_hash)}"
            raise MalformedNote(msg)
        return cls(origin, int(size), root_hash, tuple(extensions))


def open_checkpoint(note: str, verifiers: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint in a note that a known key of its own origin signed.

    Raises:
        MalformedNote: note or checkpoint is not written as it should be.
        UnverifiedNote: no known key of the origin signed it, or a known key's signature does not fit.
    """
    keys = list(verifiers)
    stated = Checkpoint.parse(open_note(note, keys).text)
    open_note(note, [key for key in keys if key.name == stated.origin])
    return stated
