"""Runs of the solver, the plans they make and their places on the floor."""
