"""Open accounts, authenticate their requests, keep their keys and secrets."""
