"""Routing: which vehicle carries what, and in which order. Plain data in, tours out.

`problem` is what is planned, `plan` what comes out; both know nothing of deliveries and drivers.
`planner` is what others call: it plans in a process of its own, within a bound of time and memory,
because the solvers hold the interpreter for as long as they search. Only that process (`child`)
loads the solvers. `travel_times` tells how long the ways between places take.
"""
