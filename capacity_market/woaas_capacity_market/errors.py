"""What can go wrong on the market beyond the general cases."""

from woaas_core.errors import Conflict, Forbidden


class WrongParty(Forbidden):
    """A command that only the other side of the deal may give."""

    code = "wrong_party"
    title = "The other party must do this"
    hint = "Each side has its own commands; see `party` and `allowed_commands`."


class CapacityTaken(Conflict):
    """Another award was faster."""

    code = "capacity_taken"
    title = "The capacity is taken"
    hint = "Choose another quote, or ask the partner for another window."


class ExportControlled(Conflict):
    """An order that must not leave the house."""

    code = "export_controlled"
    title = "The order is export controlled"
    hint = "Export-controlled orders are never offered to others; make the operation yourself."
