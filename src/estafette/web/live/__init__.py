"""Pages that stay true while they are open: one event stream each, over what a process watches.

The tables are the truth. A hub (`hub.py`) reads once for all open pages of its kind what has
changed, when a signal says that something has, and otherwise at an interval; a stream (`stream.py`)
tells one page of it. `pages.py` has the streams of people who signed in, which end with the session
(`standings.py`); the recipient's page (`web/tracking`) needs no session.
"""
