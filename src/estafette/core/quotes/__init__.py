"""Prices, the places they are for, and what binds a quote."""
