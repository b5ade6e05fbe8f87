"""The file that names our witnesses (C2SP tlog-policy): who cosigns, where, and how many are asked for."""

from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from .cosignature import CosignerKey
from .note import MalformedNote


class Witness(NamedTuple):
    """A witness: its key and the prefix of the URL that takes checkpoints."""

    key: CosignerKey
    url: str


def read_witnesses(path: Path) -> tuple[Witness, ...]:
    """The witnesses of a policy file that have a URL; its logs, groups and quorum are the verifier's business.

    Raises:
        MalformedNote: a witness line has another form, its key is no cosigner's, or its URL is not http(s).
    """
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words or words[0] != "witness":
            continue
        if len(words) not in (3, 4):
            msg = f"{path}: a witness line is 'witness NAME VKEY [URL]', not {line!r}"
            raise MalformedNote(msg)
        key = CosignerKey.parse(words[2])
        if len(words) == 4:
            if urlsplit(words[3]).scheme not in ("http", "https"):
                msg = f"{path}: {words[3]!r} is not an http(s) URL"
                raise MalformedNote(msg)
            found.append(Witness(key, words[3].rstrip("/")))
    return tuple(found)
