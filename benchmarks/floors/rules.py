"""The few rules both floors share, so that they differ in nothing but the way to the database."""

from typing import Any

NEXT = {"start": "running", "complete": "completed"}
DEFAULTS: dict[str, Any] = {
    "type": "production", "unit": "pcs", "priority": 3, "custom_fields": {}, "participants": [],
    "export_controlled": False, "stages": [], "plan_status": "unplanned", "request_hash": b"", "version": 1,
}  # fmt: skip
OPERATION_DEFAULTS: dict[str, Any] = {
    "work_centers": [], "skills": [], "materials": [], "inspection_required": False, "sourcing": "make",
    "export_controlled": False, "custom_fields": {}, "kitted": False, "good": 0, "scrap": 0, "rework": 0,
    "plan_status": "unplanned", "version": 1,
}  # fmt: skip
