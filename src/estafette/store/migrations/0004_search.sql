-- Lists by offset and search, of deliveries that have a reference: the others pay for neither.

create index deliveries_by_status on deliveries (account_id, mode, status, created_at, id)
    where reference is not null;

-- What is searched, apart from the delivery: a row is written once, with it, and never again, so
-- that a delivery's moves do not touch the index. See core/search.py for text and grams.
create table search_texts (
    account_id uuid not null,
    mode text not null,
    created_at timestamptz not null, -- the delivery's
    delivery_id uuid not null,
    content text not null,
    grams integer[] not null,
    primary key (account_id, mode, created_at, delivery_id)
);

-- Hashes with the tenant in them; array_ops is built in. Additions gather in the index's pending
-- list, which a search reads through: it is kept short.
create index search_texts_grams on search_texts using gin (grams)
    with (fastupdate = on, gin_pending_list_limit = 1024);
