"""Every event of erasure and legal holds."""

from woaas_core.events.envelope import event_type

SUBJECT_ERASED = event_type("subject.erased", "A person's values were destroyed; `fields` is how many of the log's.")
HOLD_PLACED = event_type("legal_hold.placed", "What is held is neither erased nor removed by age.")
HOLD_RELEASED = event_type("legal_hold.released", "A legal hold is over.")
