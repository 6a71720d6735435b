"""Confirm payments, book transfers, read statements."""
