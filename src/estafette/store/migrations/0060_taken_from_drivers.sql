-- What a driver is told that others have taken. Servers of the version before write neither column,
-- and read the text alone.

alter table driver_messages
    add column if not exists cause text check (length(cause) <= 40),
    add column if not exists taken uuid[] check (cardinality(taken) <= 300); -- assignments
