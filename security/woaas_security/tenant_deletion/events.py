"""Facts about the end of a tenant."""

from woaas_core.events.envelope import event_type

REQUESTED = event_type(
    "tenant_deletion.requested", "An owner asked for the tenant to be deleted; from now on it is read."
)
CANCELLED = event_type("tenant_deletion.cancelled", "An owner took that back; the tenant goes on as before.")
STARTED = event_type("tenant_deletion.started", "The time to take it back is over: the last entry of this log.")
