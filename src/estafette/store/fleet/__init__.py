"""The tables of the fleet: drivers, shifts, assignments, tours, positions."""
