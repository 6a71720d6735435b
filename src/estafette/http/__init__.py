"""What the dialects share of HTTP: reading requests, sending replies, limits, logs and figures.

No vendor's words are used here: a failure is an `HttpRefusal`, which each dialect writes in its own
shape.
"""
