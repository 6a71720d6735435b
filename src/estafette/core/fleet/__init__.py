"""The fleet of in-house companies: drivers, their shifts, and what they carry."""
