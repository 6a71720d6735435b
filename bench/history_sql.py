"""The statements by which `bench.history` fills a database, a batch of deliveries at a time.

Columns are named throughout, so that a table may get further ones; a test runs all of this on the
schema as it is.
"""

from typing import Final

KEPT_DAYS: Final = 30
"""How far back there are messages with their attempts."""

_LOADED: Final = (
    "'{deliveries, events, messages, quotes, dispatches, ledger_entries, search_texts,"
    " search_grams}'::regclass[]"
)

SCAFFOLD: Final = (
    "create unlogged table bench_tenants (tenant integer primary key, account_id uuid, market text,"
    " endpoint_id uuid, company_id uuid, remote_id uuid, share integer, trips integer,"
    " first integer, before_first integer, before_year integer, new_year integer)",
    "create unlogged table bench_slots (slot integer primary key, tenant integer, rank integer)",
    "create unlogged table bench_trips (tenant integer, trip integer, pickup jsonb, dropoff jsonb,"
    " content text, grams integer[], primary key (tenant, trip))",
    "create unlogged table bench_lives (market text, ends text, seq integer, status text,"
    " milestone text, announced text[], primary key (market, ends, seq))",
    # the sum of each transfer would be looked up once for each of its lines
    "alter table ledger_entries disable trigger user",
)

OPEN_ENDPOINT: Final = """
update endpoints set url = 'http://127.0.0.1:9/hook' where account_id = $1 and mode = 'live'
returning id
"""

ADD_TENANT: Final = (
    "insert into bench_tenants values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
)

INDEXES: Final = f"""
select coalesce('alter table ' || indrelid::regclass || ' add constraint ' || conname || ' '
        || pg_get_constraintdef(pg_constraint.oid), pg_get_indexdef(indexrelid)) as restores,
    coalesce('alter table ' || indrelid::regclass || ' drop constraint ' || conname,
        'drop index ' || indexrelid::regclass) as takes_away
from pg_index
join pg_class on pg_class.oid = indrelid and pg_class.relkind = 'r'
left join pg_constraint on conindid = indexrelid and contype in ('p', 'u')
where indrelid = any({_LOADED})
order by indrelid::regclass::text, conname
"""

# Deliveries $1 to $2 (not included) of a history that ends at $3, began at $4 and has one each $5.
LOAD: Final = f"""
with numbered as (
    select number, tenants.*,
        date_trunc('milliseconds', $4::timestamptz + number * $5::interval) as at,
        number / 1000 * share + rank + 1
            - case when number >= new_year then before_year else before_first end as count,
        number / 1000 * share + rank + 1 as place,
        hashint4(number) & 2147483647 as chance
    from generate_series($1::integer, $2::integer - 1) as number
    join bench_slots on slot = number % 1000
    join bench_tenants as tenants using (tenant)
    where number >= first
),
aged as (
    select *, $3::timestamptz - at as age from numbered
),
ended as (
    select *, case
        when age < interval '7 days' and chance % 1000 < 4 then 'stalled'
        when age < interval '2 days' and chance % 1000 < 20 and market = 'AO'
            then 'awaiting_payment'
        when age < interval '1 day' then
            ('{{pending,assigned,pickup_ready,in_transit,out_for_delivery,delivered}}'::text[])
                [1 + chance / 1000 % 6]
        when chance % 100 < 5 then 'cancelled' when chance % 100 < 8 then 'failed'
        else 'delivered' end as status
    from aged
),
identified as (
    select ended.*, pickup, dropoff, content, grams, market = 'AO' as is_ao,
        case when market = 'AO' then
            'DLV-' || extract(year from at at time zone 'Africa/Luanda') || '-'
                || lpad(count::text, greatest(5, length(count::text)), '0') end as reference,
        case when chance % 4 = 0 then 8000 + chance % 5000 end as cash,
        market = 'AO' and chance % 20 = 1 as is_remote,
        lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') as first_half,
        to_hex(32768 + chance % 16384) || lpad(to_hex(number), 12, '0') as second_half
    from ended join bench_trips using (tenant)
    where trip = chance % trips
),
made as materialized (
    select *, (first_half || '7000' || second_half)::uuid as id,
        (first_half || '7001' || second_half)::uuid as quote_id
    from identified
),
lived as materialized (
    select account_id, made.endpoint_id, id, chance, age, lives.seq, lives.status,
        lives.milestone, lives.announced, at + (lives.seq - 1) * interval '17 minutes' as moved_at,
        made.status as ends, count(*) over (partition by id) as last
    from made join bench_lives as lives on lives.market = made.market and ends = made.status
),
new_deliveries as (
    insert into deliveries (account_id, id, mode, status, milestone, before_stall, seq,
        external_ref, pickup, dropoff, parcel, fee, quote_id, pickup_by, deliver_by, created_at,
        updated_at, reference, company_id, terms, watch_at)
    select account_id, id, 'live', status, milestone,
        case when status = 'stalled' then 'assigned' end, seq,
        case when not is_ao then 'order-' || place end, pickup, dropoff,
        '{{"weight_grams": 1200, "description": "Livros", "declared_value": 45000}}',
        case when is_ao then 2600 else 1500 end, case when is_ao then quote_id end,
        at + interval '30 minutes', at + interval '90 minutes', at, moved_at, reference,
        case when is_remote then remote_id else company_id end,
        case when is_ao then json_build_object(
            'company_name', case when is_remote then 'Longe' else 'Kianda' end,
            'company_fee', 2500, 'remote', is_remote,
            'method', case when status = 'awaiting_payment' then 'bank_transfer'
                when cash is null then 'prepaid' else 'cod' end,
            'cash_collect', case when status <> 'awaiting_payment' then cash end,
            'metadata', json_build_object('cart', 'cart-' || number)) end,
        case when is_ao and age < interval '1 day' and status not in
            ('delivered', 'cancelled', 'failed') then $3::timestamptz + interval '30 days' end
    from made
    join (select id, seq, milestone, moved_at from lived where seq = last) as lived using (id)
    order by number
),
new_events as (
    insert into events (account_id, delivery_id, seq, id, status, milestone, actor, note,
        announced, occurred_at)
    select account_id, id, seq, gen_random_uuid(), status, milestone,
        case seq when 1 then 'merchant' else 'courier' end, null, announced, moved_at
    from lived order by lived.moved_at
),
sent as materialized (
    select gen_random_uuid() as message_id, lived.*, ordinal,
        case when age < interval '1 day' and chance % 500 = 3 then 'pending'
            when chance % 500 = 4 then 'dead' else 'delivered' end as state
    from lived
    cross join lateral unnest(announced) with ordinality as announcement (type, ordinal)
    where age < interval '{KEPT_DAYS} days' and endpoint_id is not null
),
new_messages as (
    insert into messages (account_id, id, endpoint_id, delivery_id, seq, ordinal, state, attempt,
        round_started_at, due_at, created_at)
    select account_id, message_id, endpoint_id, id, seq, ordinal - 1, state,
        case state when 'delivered' then 1 when 'dead' then 8 else 4 end, moved_at,
        case state when 'pending' then $3::timestamptz + interval '30 days' else moved_at end,
        moved_at
    from sent order by sent.moved_at
),
new_attempts as (
    insert into attempts (account_id, message_id, attempt, started_at, duration_ms, outcome,
        http_status, error, worker)
    select account_id, message_id, number, moved_at + (number - 1) * interval '5 seconds', 40,
        case state when 'delivered' then 'delivered' else 'rejected' end,
        case state when 'delivered' then 200 else 500 end, null, 'worker-of-old'
    from sent cross join lateral generate_series(
        1, case state when 'delivered' then 1 when 'dead' then 8 else 4 end) as number
),
new_answers as (
    insert into idempotency (account_id, mode, endpoint, key, fingerprint, status, body,
        created_at)
    select account_id, 'live', case when is_ao then 'POST /v1/deliveries'
            else 'POST /delivery/v1/deliveries' end,
        'key-' || number, sha256(id::text::bytea), 201,
        convert_to(pickup::text || dropoff::text || repeat(' ', 600), 'UTF8'), at
    from made where age < interval '2 days'
),
new_quotes as (
    insert into quotes (account_id, id, mode, digests, fee, pickup_within_seconds,
        delivery_within_seconds, created_at, expires_at, used_by, company_id, terms)
    select account_id, (first_half || '7' || lpad(to_hex(number), 3, '0') || second_half)::uuid,
        'live',
        json_build_object('origin', encode(sha256(convert_to(pickup::text, 'UTF8')), 'hex'),
            'destination', encode(sha256(convert_to(dropoff::text, 'UTF8')), 'hex'),
            'parcel', encode(sha256(id::text::bytea), 'hex')),
        2600, 1800, 3600, at - interval '1 minute', at + interval '14 minutes',
        case number when 1 then id end, company_id,
        '{{"name": "Kianda", "slug": "kianda", "connector": "inhouse", "fee": 2500}}'
    from (select account_id, id, first_half, second_half, company_id, pickup, dropoff, at from made
        where is_ao and age < interval '1 day') as quoted
    cross join lateral generate_series(1, 6) as number
),
new_lines as (
    insert into ledger_entries (account_id, delivery_id, cause, line, mode, book, company_id,
        amount, booked_at)
    select account_id, id, cause, line, 'live', book, booked_for, amount,
        at + interval '68 minutes'
    from (select made.*, case when is_remote then remote_id else company_id end as booked_for
        from made where is_ao and status = 'delivered') as carried
    cross join lateral (
        values ('delivered', 1::smallint, 'merchant', 2600), ('delivered', 2, 'company', -2500),
            ('delivered', 3, 'platform', -100), ('cash_collected', 1, 'cash', cash),
            ('cash_collected', 2, 'merchant', -cash)
    ) as lines (cause, line, book, amount)
    where amount is not null
),
new_dispatches as (
    insert into dispatches (account_id, delivery_id, mode, company_id, offer, state, upstream_id,
        fee, attempt, next_at, first_tried_at, seen, created_at)
    select account_id, id, 'live', remote_id, '{{"quote_id": "far"}}', 'placed', 'far-' || number,
        2500, 6, case when age < interval '1 day' and status not in
            ('delivered', 'cancelled', 'failed') then $3::timestamptz + interval '30 days' end,
        at, 'seen-' || number, at
    from made where is_remote and status <> 'awaiting_payment'
),
new_texts as (
    insert into search_texts (account_id, mode, created_at, delivery_id, content)
    select account_id, 'live', at, id, lower(reference) || E'\\n' || content
    from made where is_ao order by number
)
insert into search_grams (account_id, mode, created_at, delivery_id, content, grams)
select account_id, 'live', at, id, lower(reference) || E'\\n' || content,
    grams || array(
        select (crc32(uuid_send(account_id) || convert_to(
            'live' || substr(lower(reference) || E'\\n' || content, place, 3), 'UTF8'))
            - 2147483648)::int
        from generate_series(1, length(reference) + 1) as place)
from made where is_ao order by number
"""

FINISH: Final = (
    "insert into delivery_references (account_id, mode, year, last, last_at)"
    " select account_id, mode, substr(reference, 5, 4)::smallint,"
    " max(substr(reference, 10)::integer), max(created_at)"
    " from deliveries where reference is not null"
    " group by account_id, mode, substr(reference, 5, 4)",
    "insert into search_progress (account_id, mode, indexed_to)"
    " select account_id, mode, max(last_at) from delivery_references group by account_id, mode",
    "alter table ledger_entries enable trigger user",
    "drop table bench_tenants, bench_slots, bench_trips, bench_lives",
)
