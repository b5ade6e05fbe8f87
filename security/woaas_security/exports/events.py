"""Facts about exports. What was filtered by may be a restricted value, so that no event tells it."""

from woaas_core.events.envelope import event_type

REQUESTED = event_type("export.requested", "The objects of one kind were asked for as a file.")
FINISHED = event_type("export.finished", "A file of objects was written.")
FAILED = event_type("export.failed", "A file of objects could not be written.")
STOPPED = event_type("export.stopped", "A file of objects was given up on request.")
DOWNLOADED = event_type("export.downloaded", "Its requester began to download a file of objects.")
