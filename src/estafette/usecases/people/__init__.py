"""What people do: join, sign in, keep their second factor, and decide who else belongs.

Refusals are those of `core/people/refusals.py` and `FieldError` of `core/people/person.py`.
"""
