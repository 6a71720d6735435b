-- What a batch of creates must know before it decides, in one round trip: it waits for the advisory
-- locks, in the order given, and looks only then. Each statement of a volatile function has a
-- snapshot of its own, so the second sees what the holders of the locks before have committed.
-- A row for each earlier answer and for each live delivery with a reference, by their places in the
-- arrays (from 1), and one with the time, taken under the locks.
create function look_before_creating(
    locks bigint[],
    key_accounts uuid[], key_modes text[], key_endpoints text[], keys text[],
    ref_accounts uuid[], ref_modes text[], refs text[]
) returns table (
    answer_to bigint, fingerprint bytea, status smallint, body bytea,
    reference_of bigint, delivery_id uuid, at timestamptz
) language plpgsql volatile as $$
#variable_conflict use_column
begin
    perform pg_advisory_xact_lock(number) from unnest(locks) number;
    return query
    select wanted.place, stored.fingerprint, stored.status, stored.body,
        null::bigint, null::uuid, null::timestamptz
    from unnest(key_accounts, key_modes, key_endpoints, keys)
        with ordinality as wanted (account_id, mode, endpoint, key, place)
    cross join lateral (
        select one.fingerprint, one.status, one.body from idempotency one
        where one.account_id = wanted.account_id and one.mode = wanted.mode
            and one.endpoint = wanted.endpoint and one.key = wanted.key
            and one.created_at > now() - interval '24 hours'
        order by one.created_at desc limit 1
    ) stored
    union all
    select null, null, null, null, wanted.place, deliveries.id, null
    from unnest(ref_accounts, ref_modes, refs)
        with ordinality as wanted (account_id, mode, ref, place)
    join deliveries
        on deliveries.account_id::text || ' ' || deliveries.mode || ' ' || deliveries.external_ref
            = wanted.account_id::text || ' ' || wanted.mode || ' ' || wanted.ref
        and deliveries.external_ref is not null
        and deliveries.status not in ('cancelled', 'failed')
    union all
    select null, null, null, null, null, null, date_trunc('milliseconds', clock_timestamp());
end
$$;
