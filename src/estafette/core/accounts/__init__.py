"""Accounts, their credentials, and what each credential may do."""
