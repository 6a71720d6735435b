-- outside a transaction
-- Few deliveries are stalled at a time; all others leave this index alone. It is built beside the
-- writers of a table that may have hundreds of millions of rows.

create index concurrently if not exists deliveries_stalled
    on deliveries (mode, account_id) where status = 'stalled';
