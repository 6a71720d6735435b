"""Webhook endpoints, and the outbox towards them."""
