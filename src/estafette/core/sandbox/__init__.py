"""The scenarios that simulated couriers follow."""
