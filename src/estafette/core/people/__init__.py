"""People who sign in: to what they belong, and what they may do there."""
