"""What the dialects share of HTTP: reading a request, sending a reply, limits, what is recorded.

No vendor's word is known here: a failure is an `HttpRefusal`, which each dialect writes in its own
shape.
"""
