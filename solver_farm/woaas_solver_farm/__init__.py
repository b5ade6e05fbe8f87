"""From open work to a checked plan: problem, engine, schedules and the farm that runs solves on Ray."""
