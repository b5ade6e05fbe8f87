"""Fast questions to the planner: what a new order or a moved operation would mean for a plan."""
