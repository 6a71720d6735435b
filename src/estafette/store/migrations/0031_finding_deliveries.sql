-- How people find deliveries. See core/deliveries/finding.py.

-- Added by the worker some time after a delivery was created, in bulk: creating pays nothing for it.
-- array_ops is built in; the hashes have the tenant in them.
create table delivery_words (
    account_id uuid not null,
    mode text not null,
    created_at timestamptz not null, -- the delivery's
    delivery_id uuid not null,
    content text not null,
    hashes integer[] not null,
    primary key (account_id, mode, created_at, delivery_id)
);

create index delivery_words_hashes on delivery_words using gin (hashes)
    with (fastupdate = on, gin_pending_list_limit = 1024);

-- The deliveries up to that one have their words; those after it are looked at themselves.
create table delivery_words_progress (
    account_id uuid not null,
    mode text not null,
    indexed_to timestamptz not null,
    last_id uuid not null,
    primary key (account_id, mode)
);

-- Which deliveries a person wants to see again: a filter, as the query of its page.
create table saved_filters (
    person_id uuid not null,
    account_id uuid not null,
    id uuid not null,
    name text not null,
    query text not null,
    created_at timestamptz not null default now(),
    primary key (person_id, account_id, id),
    unique (person_id, account_id, name)
);

create index saved_filters_of_account on saved_filters (account_id);
