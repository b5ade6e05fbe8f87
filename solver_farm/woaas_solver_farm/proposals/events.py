"""Every event of proposals."""

from woaas_core.events.envelope import event_type

PROPOSAL_MADE = event_type("proposal.made", "Delays or a breakdown led to a new plan for a person to decide on.")
PROPOSAL_ANNOUNCED = event_type(
    "proposal.announced", "A person's work would move: old and new times, and where to look."
)
PROPOSAL_ENDED = {
    "accepted": event_type("proposal.accepted", "A proposed plan was published as it was made."),
    "edited": event_type("proposal.edited", "A proposed plan was published after a person had changed it."),
    "rejected": event_type("proposal.rejected", "A person rejected a proposed plan."),
    "expired": event_type("proposal.expired", "Another plan was published before anybody decided."),
}
