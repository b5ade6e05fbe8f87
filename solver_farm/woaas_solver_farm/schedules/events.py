"""Every event of schedule runs and schedules."""

from woaas_core.events.envelope import event_type

RUN_REQUESTED = event_type("schedule_run.requested", "A run of the solver was queued.")
RUN_STOP_REQUESTED = event_type("schedule_run.interrupted", "Somebody asked a run to stop and keep its best plan.")
RUN_ENDED = {
    "finished": event_type("schedule_run.finished", "A run ended with the best plan it could find."),
    "stopped": event_type("schedule_run.stopped", "A run was stopped; the best plan so far was kept."),
    "failed": event_type("schedule_run.failed", "A run ended without a result."),
}
RUN_OVERFLOWED = event_type(
    "schedule_run.overflowed", "A plan has operations without a capable resource or that end too late."
)
SCHEDULE_PROPOSED = event_type("schedule.proposed", "A run made a plan.")
SCHEDULE_PUBLISHED = event_type("schedule.published", "A plan became the one the floor works by.")
SCHEDULE_SUPERSEDED = event_type("schedule.superseded", "A published plan was replaced by a newer one.")
SCENARIO_PLANNED = event_type("scenario.planned", "A run made a plan of a scenario; it binds nobody.")
SCHEDULE_SKETCHED = event_type("schedule.sketched", "A run made a plan that nobody is to work by: a scenario's.")
SCHEDULE_CHANGED = event_type("schedule.changed", "What a plan must keep was changed.")
SLOT_PINNED = event_type("slot.pinned", "A place of a plan was pinned: the next plan must keep it.")
SLOT_UNPINNED = event_type("slot.unpinned", "A place of a plan is free to be planned anew.")
REPLAN_REQUESTED = event_type("schedule.replan_requested", "Delays or a breakdown called for a new plan.")
