-- outside a transaction
-- Of what is due at another platform, what is to be placed is claimed first, then what a webhook
-- told of or is to be called off, then what is only looked at now and then. dispatches_due is for
-- workers of the version before, and tells which companies have work.

create index concurrently if not exists dispatches_to_place on dispatches (company_id, next_at)
    where next_at is not null and state = 'waiting';
create index concurrently if not exists dispatches_heard on dispatches (company_id, next_at)
    where next_at is not null and state = 'placed' and heard;
create index concurrently if not exists dispatches_to_look on dispatches (company_id, next_at)
    where next_at is not null and state = 'placed' and not heard;

-- Versions before wrote what a platform said of a refusal into the timeline, which merchants and
-- recipients read. It is with the dispatch, for the operator; the timeline keeps that it was so.
with told as materialized (
    select event.place
    from dispatches cross join lateral (
        select events.ctid as place from events
        where events.account_id = dispatches.account_id
            and events.delivery_id = dispatches.delivery_id
            and status = 'stalled' and actor = 'courier'
            and (note = last_error or note like 'the company refuses it: %'
                or note like 'the company''s quote has expired, and it asks %')
        limit 1000
    ) event
    where dispatches.state in ('refused', 'disputed')
)
update events set note = 'The courier company could not take the delivery', actor = 'system'
where ctid = any (array(select place from told)) and status = 'stalled' and actor = 'courier';

-- The endpoints that failed lately, and how often in a row: one row each until they answer, shared
-- by all workers. From so many failures on an endpoint rests until rests_until, then one worker
-- sends it one message (is_probed), and by what comes of that it rests twice as long or is forgotten.
create table if not exists endpoint_failures (
    endpoint_id uuid primary key,
    account_id uuid not null,
    failures integer not null,
    rest_seconds double precision not null,
    rests_until timestamptz, -- null: it is not left alone
    is_probed boolean not null default false
) with (fillfactor = 50);

create index if not exists endpoint_failures_account on endpoint_failures (account_id);
