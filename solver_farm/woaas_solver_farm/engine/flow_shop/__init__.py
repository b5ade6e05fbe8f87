"""Makespan of permutation flow shops: iterated greedy with sequence-dependent set-ups."""
