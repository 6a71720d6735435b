"""Quotes, cities and price lists."""
