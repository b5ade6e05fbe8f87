"""Every event of signatures."""

from woaas_core.events.envelope import event_type

SIGNATURE_CREATED = event_type("signature.created", "Somebody signed a record; the entry holds the record's hash.")
SIGNATURE_INVALIDATED = event_type("signature.invalidated", "A signed record was changed; `change` is by which event.")
