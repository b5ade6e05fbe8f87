"""Facts about a tenant's own policy. What they say of fields is for those who may read policies: it is in changes."""

from woaas_core.events.envelope import event_type

ROLE_CHANGED = event_type("role.changed", "A role of the tenant's own was set.")
ROLE_ARCHIVED = event_type("role.archived", "A role of the tenant's own was retired; it gives nothing any more.")
FIELD_POLICY_CHANGED = event_type("field_policy.changed", "How far a role gets with a field was set.")
FIELD_POLICY_DELETED = event_type("field_policy.deleted", "A field policy was taken away.")
GRANT_CREATED = event_type("grant.created", "Fields were opened for a purpose and a time.")
GRANT_REVOKED = event_type("grant.revoked", "A grant was ended before its time.")
GRANT_OBSERVED = event_type("grant.observed", "Somebody read under a grant; the entry names the purpose.")
