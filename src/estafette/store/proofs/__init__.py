"""Proofs of deliveries, and the files that are to be removed."""
