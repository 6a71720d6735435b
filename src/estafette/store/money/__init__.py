"""The books, and the balances carried forward."""
