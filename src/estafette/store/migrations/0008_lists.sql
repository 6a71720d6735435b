-- outside a transaction
-- The lists of deliveries without a reference, each with an index that it reads no more of than it
-- shows. What tells a list apart is one expression, for which no other index can stand in whatever
-- the planner believes of the table. It is compared by bytes, whatever the database's language.

create index concurrently if not exists deliveries_by_milestone
    on deliveries ((account_id::text || ' ' || mode || ' ' || milestone) collate "C", created_at, id)
    where reference is null;

-- At most one live delivery carries an external reference, and deliveries_live_external_ref finds
-- it. Those that ended so may be many. No delivery changes after that, and none is created so:
-- only a delivery that is cancelled or fails pays for this index.
create index concurrently if not exists deliveries_ended_refs
    on deliveries (
        (account_id::text || ' ' || mode || ' ' || milestone || ' ' || external_ref) collate "C",
        created_at, id
    )
    where external_ref is not null and status in ('cancelled', 'failed');
