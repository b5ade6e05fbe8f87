"""Every event of attachments; each says the access class, which decides who is told of it."""

from woaas_core.events.envelope import event_type

ATTACHMENT_ADDED = event_type("attachment.added", "A file was attached to a work order or an operation.")
ATTACHMENT_REMOVED = event_type("attachment.removed", "A file was taken away and its content destroyed.")
