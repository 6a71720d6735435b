"""Proofs: what shows that a parcel was taken, handed over or brought back."""
