"""Deliveries, their events, and all that is read and written with them."""
