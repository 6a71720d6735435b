-- Keys begin with the account, so that every query names it and the tables can be distributed by
-- it. Tables on the hot path have no foreign keys: a check of the account's row on every insert
-- makes all writers of an account share one row lock, and nothing ever deletes an account.

create table accounts (
    id uuid primary key,
    name text not null unique check (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    market text not null,
    dialect text not null,
    rate_per_second integer not null check (rate_per_second > 0),
    burst integer not null check (burst > 0),
    created_at timestamptz not null default now()
);

create table api_keys (
    account_id uuid not null references accounts,
    id uuid not null,
    mode text not null check (mode in ('live', 'sandbox')),
    kind text not null check (kind in ('secret', 'publishable')),
    hash bytea not null unique, -- SHA-256; the key itself is shown once and kept nowhere
    hint text not null, -- the last four characters, to tell keys apart
    created_at timestamptz not null default now(),
    expires_at timestamptz, -- set by a rotation: the end of the overlap
    disabled_at timestamptz,
    primary key (account_id, id)
);

create table endpoints (
    account_id uuid not null references accounts,
    id uuid not null,
    mode text not null check (mode in ('live', 'sandbox')),
    name text not null,
    url text, -- null until the merchant names one; then nothing is sent
    secret bytea not null, -- encrypted with the key of the settings
    next_secret bytea, -- while rotating: signs from next_secret_from on
    next_secret_from timestamptz,
    created_at timestamptz not null default now(),
    disabled_at timestamptz,
    primary key (account_id, id),
    unique (account_id, mode, name)
);

create table quotes (
    account_id uuid not null,
    id uuid not null,
    mode text not null,
    payload jsonb not null,
    fee bigint not null,
    pickup_within_seconds integer not null,
    delivery_within_seconds integer not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_by uuid,
    primary key (account_id, id)
);

create table deliveries (
    account_id uuid not null,
    id uuid not null,
    mode text not null,
    status text not null,
    milestone text not null,
    before_stall text,
    seq integer not null,
    external_ref text,
    pickup jsonb not null,
    dropoff jsonb not null,
    parcel jsonb not null,
    fee bigint not null,
    quote_id uuid,
    scenario text,
    pickup_by timestamptz not null,
    deliver_by timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (account_id, id)
) with (fillfactor = 85);

-- the tracking page knows the delivery's id alone
create index deliveries_id on deliveries (id);

-- Plans are made while tables are small and have no statistics, and are kept. Where an index could
-- serve a look-up by its first columns alone, it may be taken for one that serves it whole, and
-- then reads all of an account's deliveries. So the list's index begins with the mode, by which no
-- look-up asks, and the references' index is one expression, which no other index can stand in for.
create index deliveries_list on deliveries (mode, account_id, created_at, id);
create unique index deliveries_live_external_ref
    on deliveries ((account_id::text || ' ' || mode || ' ' || external_ref))
    where external_ref is not null and status not in ('cancelled', 'failed');

create table events (
    account_id uuid not null,
    delivery_id uuid not null,
    seq integer not null,
    id uuid not null,
    status text not null,
    milestone text not null,
    actor text not null,
    note text,
    announced text[] not null,
    occurred_at timestamptz not null,
    primary key (account_id, delivery_id, seq)
);

create index events_occurred_at on events using brin (occurred_at) with (pages_per_range = 16);

-- The outbox. A pending message is due at due_at; claiming it adds one to attempt and moves due_at
-- to the end of the lease, so that a dead worker's messages come due again by themselves.
create table messages (
    account_id uuid not null,
    id uuid not null,
    endpoint_id uuid not null,
    delivery_id uuid, -- null: a test
    seq integer,
    ordinal smallint not null default 0, -- which of the event's announcements
    test_type text,
    test_url text, -- null: the endpoint's own
    state text not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
    attempt integer not null default 0, -- the fencing token
    round_start integer not null default 0, -- attempts made before this round of the schedule
    round_started_at timestamptz,
    due_at timestamptz not null,
    leased_by text,
    created_at timestamptz not null default now(),
    primary key (account_id, id)
) with (fillfactor = 70);

create index messages_due on messages (endpoint_id, due_at, delivery_id, seq, ordinal)
    where state = 'pending';
create index messages_of_delivery on messages (account_id, delivery_id);
create index messages_created_at on messages using brin (created_at) with (pages_per_range = 16);

create table attempts (
    account_id uuid not null,
    message_id uuid not null,
    attempt integer not null,
    started_at timestamptz not null,
    duration_ms integer not null,
    outcome text not null,
    http_status smallint,
    error text,
    worker text not null
) partition by range (started_at);

create index attempts_of_message on attempts (account_id, message_id, attempt);
create table attempts_default partition of attempts default;

-- Uniqueness of a key over the borders of its partitions is kept by advisory locks: see
-- store/idempotency.py.
create table idempotency (
    account_id uuid not null,
    mode text not null,
    endpoint text not null, -- method and path
    key text not null,
    fingerprint bytea not null,
    status smallint not null,
    body bytea not null,
    created_at timestamptz not null default now()
) partition by range (created_at);

create index idempotency_key on idempotency (account_id, mode, endpoint, key);
create table idempotency_default partition of idempotency default;

-- What the simulated couriers do next.
create table sandbox_runs (
    account_id uuid not null,
    delivery_id uuid not null,
    step integer not null default 0,
    due_at timestamptz, -- null: moves only when told, or never again
    primary key (account_id, delivery_id)
);

create index sandbox_runs_due on sandbox_runs (due_at) where due_at is not null;

-- Processes keep accounts, keys, cities and tariffs in memory and forget them when told.
create function announce_configuration() returns trigger language plpgsql as $$
begin
    perform pg_notify('estafette_configuration', tg_table_name);
    return null;
end
$$;

create trigger announce after insert or update or delete or truncate on accounts
    for each statement execute function announce_configuration();
create trigger announce after insert or update or delete or truncate on api_keys
    for each statement execute function announce_configuration();

create table cities (
    country text not null,
    code text not null,
    name text not null,
    latitude double precision not null,
    longitude double precision not null,
    population integer not null,
    spellings text[] not null,
    primary key (country, code)
);

create table tariffs (
    market text not null,
    company_id uuid, -- null: the market's own price list
    origin text not null, -- a city's code or *
    destination text not null, -- a city's code, * or same
    up_to_km integer check (up_to_km > 0), -- null: at any distance
    up_to_grams integer not null check (up_to_grams > 0),
    fee bigint not null check (fee >= 0), -- whole units of the market's currency
    pickup_within_seconds integer not null check (pickup_within_seconds > 0),
    delivery_within_seconds integer not null check (delivery_within_seconds > 0), -- after the pickup
    unique nulls not distinct (market, company_id, origin, destination, up_to_km, up_to_grams)
);

create trigger announce after insert or update or delete or truncate on cities
    for each statement execute function announce_configuration();
create trigger announce after insert or update or delete or truncate on tariffs
    for each statement execute function announce_configuration();
