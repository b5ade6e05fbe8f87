"""The verifiable log: tree, checkpoints, proofs and bundles over the event log of core."""
