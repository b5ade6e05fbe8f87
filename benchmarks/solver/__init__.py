"""What the solver is measured by: one module a kind of figure, each run by name."""
