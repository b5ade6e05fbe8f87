"""Makespan of plain job shops: tabu search on the disjunctive graph."""
