-- outside a transaction
-- What people see at a glance: how many deliveries of a day were created and how they ended. The
-- worker counts events a minute after they happened; creating and moving deliveries pay nothing.

create table if not exists daily_tallies (
    account_id uuid not null,
    mode text not null,
    day date not null, -- by the clock of the account's market
    what text not null,
    count bigint not null,
    primary key (account_id, mode, day, what)
);

create index concurrently if not exists daily_tallies_day on daily_tallies (day, mode);

-- Up to when events have been counted: one row.
create table if not exists daily_tallies_progress (
    only_one boolean primary key default true check (only_one),
    counted_to timestamptz not null
);

-- Few dispatches are disputed at a time; all others leave this index alone.
create index concurrently if not exists dispatches_disputed on dispatches (mode, account_id, delivery_id)
    where state = 'disputed';
