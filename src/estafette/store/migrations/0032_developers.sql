-- What a merchant's developers see of their webhooks: of each attempt where it went and, of most,
-- what was sent and answered; which events an endpoint wants; the spells in which it fails, of
-- which people are told; and what is sent again over a span of time.

alter table attempts
    add column endpoint_id uuid, -- null: written by a version before
    add column request bytea, -- as it was sent, its beginning; null: not kept
    add column answer bytea; -- what was received, its beginning; null: not kept

-- By itself, without the partitions: those that there are get theirs beside their writers, see
-- store/partitions.py.
create index attempts_of_endpoint on only attempts (endpoint_id, started_at);
create index attempts_failed on only attempts (endpoint_id, started_at)
    where outcome <> 'delivered';

alter table endpoints add column types text[]; -- announcements that it wants; null: all

-- Since when it only fails. The time of this migration for what fails while it is applied.
alter table endpoint_failures add column failing_since timestamptz not null default now();

-- An endpoint of which people were told that it fails: one row from then until an hour after it has
-- worked again.
create table endpoint_spells (
    account_id uuid not null,
    endpoint_id uuid not null,
    failing_since timestamptz not null,
    told_at timestamptz not null, -- that it fails
    given_up_told_at timestamptz, -- that webhooks for it are given up
    recovered_at timestamptz, -- that it works again was told then
    primary key (account_id, endpoint_id)
);

-- What somebody has asked to be sent again since a time. Done by a worker, in parts.
create table replays (
    account_id uuid not null,
    id uuid not null,
    mode text not null check (mode in ('live', 'sandbox')),
    endpoint text, -- null: every endpoint
    since timestamptz not null,
    until timestamptz not null, -- when it was asked for
    dead_only boolean not null,
    again integer not null default 0, -- messages that were made before
    missed integer not null default 0, -- messages of events that were never told
    attempt integer not null default 0, -- the fencing token
    is_all boolean, -- whether that was all; null: it is not finished
    due_at timestamptz default now(), -- null: it is finished
    leased_by text,
    primary key (account_id, id)
);

create index replays_due on replays (due_at) where due_at is not null;
