"""What generators of clients, and linters, make of the contracts that a server serves."""
