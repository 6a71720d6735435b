-- What is done once to the rows of versions before, in the background.

create table chores (
    name text primary key,
    begun_at timestamptz not null default now(),
    done_at timestamptz
);
