"""Create, move, cancel, find and follow deliveries; keep or erase what they say of people."""
