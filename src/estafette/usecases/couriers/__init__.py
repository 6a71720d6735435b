"""Manage courier companies, and hand deliveries to the platforms that some of them have."""
