-- What ends: rows that nothing needs for good, and personal data. All of it is done by the worker,
-- account by account in the order of the deliveries' ids (UUIDv7: of time), for which the keys that
-- are there already serve; no column here is read or written by a creation or a move.

alter table deliveries add column erased_at timestamptz; -- its personal data is gone since
alter table accounts add column personal_data_days integer check (personal_data_days > 0); -- null: the setting's

-- How far the worker has come with an account's deliveries: up to which id their phones are in the
-- index, and their personal data is erased, but for those in erasures_due.
create table personal_data_progress (
    account_id uuid primary key,
    indexed_to uuid not null,
    erased_to uuid not null
);

-- Deliveries that were not to be erased yet when their turn came, as they had not ended for long
-- enough; and those that are to be erased on request as soon as they end.
create table erasures_due (
    account_id uuid not null,
    delivery_id uuid not null,
    wanted_at timestamptz, -- null: in its time
    primary key (account_id, delivery_id)
);

-- Which deliveries name a phone. The hash has a key that is encrypted with that of the settings: no
-- number can be read out of this.
create table phone_index (
    hash bigint not null,
    account_id uuid not null,
    delivery_id uuid not null,
    primary key (hash, account_id, delivery_id)
);

create table data_keys (
    name text primary key,
    key bytea not null, -- encrypted with the key of the settings, for this name
    created_at timestamptz not null default now()
);

-- What the upkeep of a kind of rows has removed so far, and when it had last removed all that was to
-- be removed.
create table upkeep (
    name text primary key,
    removed bigint not null default 0,
    completed_at timestamptz
);
