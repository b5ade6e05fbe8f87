"""The event that a leaf records, the values it commits to and the chain of versions per object."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from itertools import product
from operator import itemgetter
from typing import Any, NamedTuple

from .report import Malformed
from .strict_json import canonical, parse_object

RESERVED = frozenset({"index", "leaf", "leaf_hash"})
"""Members of a line of `entries.jsonl` that are not copies from the leaf."""

_UNSEEN = -1

_FIELDS: dict[str, tuple[type, ...]] = {
    "v": (int,),
    "tenant": (str,),
    "subject": (str,),
    "version": (list,),
    "changes": (dict,),
    "id": (str,),
    "type": (str,),
    "at": (str,),
    "actor": (dict,),
    "request_id": (str, type(None)),
    "work_order": (str, type(None)),
    "reason": (str, type(None)),
    "livemode": (bool,),
    "data": (dict,),
}
_members: Callable[[dict[str, object]], tuple[Any, ...]] = itemgetter(*_FIELDS)
# Every combination of types that the members of a leaf may have, so that a leaf is checked by one look-up.
_SHAPES = frozenset(product(*_FIELDS.values()))
_VERSIONS = frozenset(product((int, type(None)), repeat=2))
_TEXT = {str}


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
    if tuple(map(type, members)) not in _SHAPES:
        odd = next(name for name, kinds in _FIELDS.items() if type(content[name]) not in kinds)
        msg = f"{odd!r} has another type in the leaf than it should"
        raise Malformed(msg)
    schema, tenant, subject, version, changes = members[:5]
    if not RESERVED.isdisjoint(content):
        msg = f"the leaf has a member named {' or '.join(sorted(RESERVED))}"
        raise Malformed(msg)
    if schema != 1:
        msg = f"the leaf has schema version {schema}, this verifier knows 1"
        raise Malformed(msg)
    if tuple(map(type, version)) not in _VERSIONS:
        msg = "'version' in the leaf is not a pair of numbers or nulls"
        raise Malformed(msg)
    if changes and set(map(type, changes.values())) != _TEXT:
        msg = "'changes' in the leaf has a value that is no commitment"
        raise Malformed(msg)
    before, after = version
    return Leaf(tenant, subject, before, after, changes, content)


def opens(commitment: str, salt: bytes, value: object) -> bool:
    """Whether a commitment in a leaf was made to this value with this salt (HMAC-SHA256 of its RFC 8785 form)."""
    digest = hmac.new(salt, canonical(value), hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest).decode(), commitment)


Step = tuple[int, str | None, int | None, int | None]
"""An entry's index, its object and the version before and after; of a withheld entry nothing is known: no object."""


class VersionChain:
    """Follows the version of each object through a gap-free run of entries, so that no change can be missing.

    A change raises the version by one from where the object's last entry left it, a creation is `[null, 1]`, an end
    `[n, null]`; `[n, n]` records an act that changed nothing and `[null, null]` concerns no versioned object.
    """

    def __init__(self, *, from_start: bool) -> None:
        self._from_start = from_start
        self._is_broken_off = False
        self._current: dict[str, int | None] = {}

    def follow(self, step: Step) -> str | None:
        """Take the next entry; says what is wrong, or None. Behind a withheld entry any link may be in that one."""
        _, subject, before, after = step
        if subject is None:
            self._is_broken_off = True
        if self._is_broken_off or subject is None:
            return None
        left_at = self._current.get(subject, _UNSEEN)
        self._current[subject] = after
        if before is not None and before == left_at and before >= 0 and (after is None or 0 <= after - before <= 1):
            return None
        return _impossible(subject, before, after) or self._unconnected(subject, before, left_at)

    def _unconnected(self, subject: str, before: int | None, left_at: int | None) -> str | None:
        if left_at == _UNSEEN:
            if self._from_start and before is not None:
                return f"{subject} is at version {before} in its first entry: what led there is missing"
            return None
        if before is None:
            return f"{subject} is created a second time"
        if left_at != before:
            return f"{subject} was left at version {left_at}, this entry starts from {before}"
        return None


def _impossible(subject: str, before: int | None, after: int | None) -> str | None:
    if before is None:
        return None if after == 1 else f"{subject} starts at version {after} instead of 1"
    if after not in (None, before, before + 1):
        return f"{subject} goes from version {before} to {after}"
    return None
