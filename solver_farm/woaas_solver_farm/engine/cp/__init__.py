"""The exact side: a CP-SAT model of the problem for small problems, proofs and bounds."""
