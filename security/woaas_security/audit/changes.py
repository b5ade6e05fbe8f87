"""What an entry commits to: the fields that moved, as the wire shows them, so that entries replay to the object."""

from woaas_core.db.statements import Row
from woaas_core.events.canonical import exact
from woaas_security.authz.resource import Resource


def changes_of(resource: Resource, before: Row | None, after: Row) -> dict[str, object]:
    """The new values of the fields that differ; of a new object all that are set.

    Its id and version are in the entry itself; ``updated_at`` is when the entry was written.
    """
    changes: dict[str, object] = {}
    for field in resource.fields:
        value = after[field.source]
        if field.name == "id" or field.tells_of_all or value == (None if before is None else before[field.source]):
            continue
        render = field.renderer
        changes[field.name] = exact(value if render is None or value is None else render(value))
    return changes
