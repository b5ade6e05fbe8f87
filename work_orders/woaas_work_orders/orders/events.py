"""Every event of work orders and operations."""

from woaas_core.events.envelope import EventType, event_type

ORDER_CREATED = event_type("work_order.created", "A work order was entered.")
ORDER_FORECASTED = event_type("work_order.forecasted", "Expected demand became a virtual work order.")
ORDER_UPDATED = event_type("work_order.updated", "Fields of a work order were changed.")
ORDER_STARTED = event_type("work_order.started", "The first operation of a work order started.")

ORDER_COMMANDED: dict[str, EventType] = {
    "release": event_type("work_order.released", "A work order was released to the floor."),
    "hold": event_type("work_order.held", "A work order was put on hold."),
    "resume": event_type("work_order.resumed", "A held work order goes on."),
    "complete": event_type("work_order.completed", "A work order was completed; `first` tells whether ever before."),
    "reopen": event_type("work_order.reopened", "A completed work order was opened again."),
    "close": event_type("work_order.closed", "A completed work order was closed."),
    "cancel": event_type("work_order.cancelled", "A work order was cancelled before any work."),
    "abort": event_type("work_order.aborted", "A work order was aborted after work had begun."),
}

OPERATION_CREATED = event_type("operation.created", "An operation was added to a work order.")
OPERATION_UPDATED = event_type("operation.updated", "Fields of an operation were changed.")
OPERATION_RESTED: dict[str, EventType] = {
    "ready": event_type("operation.readied", "An operation may start: its predecessors and material are there."),
    "waiting": event_type("operation.delayed", "An operation waits for material."),
    "pending": event_type("operation.deferred", "An operation waits for a predecessor again."),
}
OPERATION_ASSIGNED = event_type("operation.assigned", "An operation was given to an operator or work center.")
OPERATION_KITTED = event_type("operation.kitted", "The material of an operation was picked.")
OPERATION_REWORKED = event_type("operation.reworked", "A rework operation was added after a completed one.")
OPERATION_PLANNED = event_type("operation.planned", "A published plan gave an operation its place.")
OPERATION_REPORTED = event_type("operation.reported", "Time and quantity were reported.")
OPERATION_OUTSOURCED = event_type("operation.outsourced", "An operation goes to a partner factory.")
OPERATION_TRACKED = event_type("operation.tracked", "The partner moved an outsourced operation on.")

OPERATION_COMMANDED: dict[str, EventType] = {
    "start": event_type("operation.started", "An operation started."),
    "pause": event_type("operation.suspended", "An operation was paused."),
    "resume": event_type("operation.resumed", "An operation goes on."),
    "hold": event_type("operation.held", "An operation was held for quality."),
    "complete": event_type("operation.completed", "An operation was completed."),
    "skip": event_type("operation.skipped", "An operation was skipped."),
    "cancel": event_type("operation.cancelled", "An operation was cancelled before any work."),
    "abort": event_type("operation.aborted", "An operation was aborted after work had begun."),
}

REPORT_CORRECTED = event_type("report.corrected", "A report was replaced by a corrected one.")
INSPECTION_RECORDED = event_type("inspection.recorded", "The result of an inspection was recorded.")
RECEIPT_BOOKED = event_type("receipt.booked", "Finished goods were booked in.")
