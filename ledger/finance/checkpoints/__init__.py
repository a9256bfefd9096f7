"""Checkpoints: a signed Merkle root over the heads of all holders, and what is needed to check it elsewhere."""
