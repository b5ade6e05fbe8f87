"""The event that a leaf records, the values it commits to and the chain of versions per object."""

import base64
import hashlib
import hmac
from operator import itemgetter
from typing import NamedTuple

from .report import Malformed
from .strict_json import canonical, parse_object

RESERVED = frozenset({"index", "leaf", "leaf_hash"})
"""Members of a line of `entries.jsonl` that are not copies from the leaf."""

_UNSEEN = -1

_FIELDS: dict[str, tuple[type, ...]] = {
    "v": (int,),
    "id": (str,),
    "tenant": (str,),
    "type": (str,),
    "at": (str,),
    "actor": (dict,),
    "request_id": (str, type(None)),
    "subject": (str,),
    "work_order": (str, type(None)),
    "version": (list,),
    "reason": (str, type(None)),
    "livemode": (bool,),
    "data": (dict,),
    "changes": (dict,),
}


_members = itemgetter(*_FIELDS)


class Leaf(NamedTuple):
    """The event that one leaf records; `content` is all of it as parsed."""

    tenant: str
    subject: str
    before: int | None
    after: int | None
    changes: dict[str, str]
    content: dict[str, object]


def parse_leaf(raw: bytes) -> Leaf:
    """The event in a leaf's bytes.

    Raises:
        Malformed: a member is missing or has another type, or the schema version is unknown.
    """
    content = parse_object(raw)
    try:
        members = _members(content)
    except KeyError as error:
        msg = f"{error} is missing in the leaf"
        raise Malformed(msg) from error
    for name, member, kinds in zip(_FIELDS, members, _FIELDS.values(), strict=True):
        if type(member) not in kinds:
            msg = f"{name!r} has another type in the leaf than it should"
            raise Malformed(msg)
    if not RESERVED.isdisjoint(content):
        msg = f"the leaf has a member named {' or '.join(sorted(RESERVED))}"
        raise Malformed(msg)
    if content["v"] != 1:
        msg = f"the leaf has schema version {content['v']}, this verifier knows 1"
        raise Malformed(msg)
    version, changes = content["version"], content["changes"]
    assert isinstance(version, list)
    assert isinstance(changes, dict)
    if len(version) != 2 or any(type(number) not in (int, type(None)) for number in version):
        msg = "'version' in the leaf is not a pair of numbers or nulls"
        raise Malformed(msg)
    if not all(type(commitment) is str for commitment in changes.values()):
        msg = "'changes' in the leaf has a value that is no commitment"
        raise Malformed(msg)
    return Leaf(str(content["tenant"]), str(content["subject"]), version[0], version[1], changes, content)


def opens(commitment: str, salt: bytes, value: object) -> bool:
    """Whether a commitment in a leaf was made to this value with this salt (HMAC-SHA256 of its RFC 8785 form)."""
    digest = hmac.new(salt, canonical(value), hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest).decode(), commitment)


class VersionChain:
    """Follows the version of each object through a gap-free run of entries, so that no change can be missing.

    A change raises the version by one from where the object's last entry left it, a creation is `[null, 1]`, an end
    `[n, null]`; `[n, n]` records an act that changed nothing and `[null, null]` concerns no versioned object.
    """

    def __init__(self, *, from_start: bool) -> None:
        self._from_start = from_start
        self._current: dict[str, int | None] = {}

    def follow(self, leaf: Leaf) -> str | None:
        """Take the next entry; says what is wrong, or None."""
        if leaf.before is None and leaf.after is None:
            return None
        left_at = self._current.get(leaf.subject, _UNSEEN)
        self._current[leaf.subject] = leaf.after
        return _impossible(leaf) or self._unconnected(leaf, left_at)

    def _unconnected(self, leaf: Leaf, left_at: int | None) -> str | None:
        if left_at == _UNSEEN:
            if self._from_start and leaf.before is not None:
                return f"{leaf.subject} is at version {leaf.before} in its first entry: what led there is missing"
            return None
        if leaf.before is None:
            return f"{leaf.subject} is created a second time"
        if left_at != leaf.before:
            return f"{leaf.subject} was left at version {left_at}, this entry starts from {leaf.before}"
        return None


def _impossible(leaf: Leaf) -> str | None:
    if leaf.before is None:
        return None if leaf.after == 1 else f"{leaf.subject} starts at version {leaf.after} instead of 1"
    if leaf.after not in (None, leaf.before, leaf.before + 1):
        return f"{leaf.subject} goes from version {leaf.before} to {leaf.after}"
    return None
