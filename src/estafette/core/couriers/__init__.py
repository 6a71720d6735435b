"""Courier companies, and what another platform says of a delivery that it carries."""
