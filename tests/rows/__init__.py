"""The one room beside `tests/store` where tests speak SQL.

`tables` reads and changes rows of any table by the names of its columns, `database` looks after
whole databases, and the other modules, one for each noun, hold what takes a statement of its own.
Every function takes a pool or a connection first.
"""
