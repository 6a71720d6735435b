"""Courier companies, their platforms, and the outbox towards these."""
