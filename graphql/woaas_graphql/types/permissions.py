"""What a tenant itself says of permissions."""

from woaas_graphql.nodes import Kind
from woaas_graphql.shapes import shows
from woaas_security.permissions.resources import FIELD_POLICY, GRANT, ROLE


@shows(Kind(ROLE))
class Role:
    """A role of the tenant's own."""


@shows(Kind(FIELD_POLICY))
class FieldPolicy:
    """How far a role gets with a field."""


@shows(Kind(GRANT))
class Grant:
    """Fields opened for a purpose and a time."""
