-- Lists by offset and search, of deliveries that have a reference: the others pay for neither.

create index deliveries_by_status on deliveries (account_id, mode, status, created_at, id)
    where reference is not null;

-- The time that the last number of a series was given at: the next is given later, whatever the
-- clock says.
alter table delivery_references add column last_at timestamptz;

-- What is searched, written with the delivery and never again. See core/search.py.
create table search_texts (
    account_id uuid not null,
    mode text not null,
    created_at timestamptz not null, -- the delivery's
    delivery_id uuid not null,
    content text not null,
    primary key (account_id, mode, created_at, delivery_id)
);

-- The same texts with their grams, added by the worker some time later, in bulk: an index of them
-- costs as much as all else that a create writes. array_ops is built in; the hashes have the tenant
-- in them. The text is here too, because what the index finds lies scattered over the table.
create table search_grams (
    account_id uuid not null,
    mode text not null,
    created_at timestamptz not null,
    delivery_id uuid not null,
    content text not null,
    grams integer[] not null
);

create index search_grams_grams on search_grams using gin (grams)
    with (fastupdate = on, gin_pending_list_limit = 1024);

-- The texts up to that time have their grams; those after it are looked through.
create table search_progress (
    account_id uuid not null,
    mode text not null,
    indexed_to timestamptz not null,
    primary key (account_id, mode)
);
