"""Payments, and the transfers that the books record."""
