"""Manage courier companies, and give deliveries to those that have a platform of their own."""
