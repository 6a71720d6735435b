"""Create, move, cancel, find and follow deliveries; keep or erase their personal data."""
