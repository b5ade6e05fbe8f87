"""The manifest of a bundle: what it claims to be."""

from typing import NamedTuple

from .report import Malformed
from .strict_json import parse_exactly, whole_number

SCHEMA = "woaas.audit-bundle/1"
FILTERS = frozenset({"work_order_id", "actor", "type"})
_MEMBERS = frozenset(
    {"schema", "origin", "tenant", "first_index", "end_index", "filter", "complete", "tree_size", "withheld", "sha256"}
)


class Manifest(NamedTuple):
    """The claims; none is believed unless proved. `digests` maps file names to SHA-256 in hex."""

    origin: str
    tenant: str
    first_index: int
    end_index: int
    tree_size: int
    withheld: int
    filter: dict[str, str] | None
    digests: dict[str, object]

    @property
    def complete(self) -> bool:
        """Whether every entry of the range is claimed to be there."""
        return self.filter is None

    @property
    def is_whole_log(self) -> bool:
        """Whether the entries alone give the signed root."""
        return self.complete and self.first_index == 0 and self.end_index == self.tree_size


def parse_manifest(raw: bytes) -> Manifest:
    """The manifest in `manifest.json`.

    Raises:
        Malformed: it is of another schema, a member is missing or unknown, or they contradict each other.
    """
    content = parse_exactly(raw, _MEMBERS, optional=frozenset({"requested"}))
    if content.get("schema") != SCHEMA:
        msg = f"manifest.json has schema {content.get('schema')!r}, this verifier knows {SCHEMA}"
        raise Malformed(msg)
    origin, tenant = content.get("origin"), content.get("tenant")
    complete, digests = content.get("complete"), content.get("sha256")
    if not isinstance(origin, str) or not isinstance(tenant, str) or not isinstance(digests, dict):
        msg = "manifest.json lacks 'origin', 'tenant' or 'sha256'"
        raise Malformed(msg)
    selection = content["filter"]
    if not isinstance(complete, bool) or complete != (selection is None):
        msg = "manifest.json is 'complete' exactly if its 'filter' is null"
        raise Malformed(msg)
    first, end, size, withheld = (
        whole_number(content, key) for key in ("first_index", "end_index", "tree_size", "withheld")
    )
    if not first <= end <= size:
        msg = f"manifest.json claims entries [{first}, {end}) of a log of {size}"
        raise Malformed(msg)
    return Manifest(origin, tenant, first, end, size, withheld, _filter(selection), digests)


def _filter(stated: object) -> dict[str, str] | None:
    if stated is None:
        return None
    if not isinstance(stated, dict) or not stated.keys() <= FILTERS:
        msg = f"manifest.json has a 'filter' by something else than {', '.join(sorted(FILTERS))}"
        raise Malformed(msg)
    if not all(isinstance(value, str) for value in stated.values()):
        msg = "manifest.json has a 'filter' that is no text"
        raise Malformed(msg)
    return stated
