"""Facts about exports of a tenant's data."""

from woaas_core.events.envelope import event_type

REQUESTED = event_type("data_export.requested", "An owner asked for everything of the tenant in one file.")
FINISHED = event_type("data_export.finished", "The file with everything of the tenant was written.")
DOWNLOADED = event_type("data_export.downloaded", "An owner began to download everything of the tenant.")
