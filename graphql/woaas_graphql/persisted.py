"""Documents known by their hash (Automatic Persisted Queries, as Apollo's clients send them).

A client sends the SHA-256 of its document first and the document only if this process has not seen it. What is kept is
text that its own tenant sent; it is parsed, priced and authorised anew with each request.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from woaas_core.errors import DomainError, Malformed

MOST_DOCUMENTS = 1_000
LONGEST_KEPT = 32_768
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


class PersistedQueryNotFound(DomainError):
    """No document of that hash is known here; the message is what clients look for."""

    code = "persisted_query_not_found"
    title = "PersistedQueryNotFound"
    status = 400
    hint = "Send the document beside its hash; the hash alone will do from then on."

    def __init__(self) -> None:
        super().__init__(self.title)


class PersistedQueries:
    """The documents that were used last, those of each tenant apart."""

    def __init__(self, most: int = MOST_DOCUMENTS) -> None:
        self._most = most
        self._known: OrderedDict[tuple[UUID, str], str] = OrderedDict()

    def document(self, tenant_id: UUID, query: str, extensions: Mapping[str, Any] | None) -> str:
        """The document that a request means, by itself or by its hash.

        Raises:
            PersistedQueryNotFound: only its hash was sent, and it is not known.
            Malformed: neither was, or the hash is not the document's.
        """
        named = (extensions or {}).get("persistedQuery")
        if named is None:
            if not query:
                msg = "Send a query."
                raise Malformed(msg)
            return query
        digest = _digest(named)
        if not query:
            return self._find(tenant_id, digest)
        if hashlib.sha256(query.encode()).hexdigest() != digest:
            msg = "The sha256Hash is not that of the query."
            raise Malformed(msg)
        if len(query) <= LONGEST_KEPT:
            self._known[tenant_id, digest] = query
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return query

    def _find(self, tenant_id: UUID, digest: str) -> str:
        key = (tenant_id, digest)
        if key not in self._known:
            raise PersistedQueryNotFound
        self._known.move_to_end(key)
        return self._known[key]


def _digest(named: object) -> str:
    digest = named.get("sha256Hash") if isinstance(named, dict) and named.get("version") == 1 else None
    if not isinstance(digest, str) or not _HASH.fullmatch(digest):
        msg = 'Name a persisted query as {"version": 1, "sha256Hash": "…64 hexadecimal digits"}.'
        raise Malformed(msg)
    return digest
