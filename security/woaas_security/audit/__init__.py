"""The verifiable audit log: Merkle tree, signed checkpoints, commitments and offline bundles."""
