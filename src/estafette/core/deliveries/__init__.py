"""The delivery and its life, decided by pure functions."""
