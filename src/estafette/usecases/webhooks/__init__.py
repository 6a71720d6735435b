"""Manage webhook endpoints, and send again what was missed."""
