-- The driver's page (docs/decisions/0073): codes by which drivers sign in, the phones that they are
-- signed in on, the taps that were taken, and the tokens of apps that send positions.

create table driver_codes (
    phone_e164 text primary key check (length(phone_e164) <= 16),
    hash text not null, -- argon2id with its parameters
    tries integer not null default 0,
    expires_at timestamptz not null
);
create index driver_codes_by_end on driver_codes (expires_at);

create table driver_sessions (
    company_id uuid not null,
    driver_id uuid not null,
    id uuid not null,
    token_hash bytea not null unique check (octet_length(token_hash) = 32),
    language text not null,
    agent text not null check (length(agent) <= 200),
    address text,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (company_id, driver_id, id)
);
create index driver_sessions_by_end on driver_sessions (expires_at);
create index driver_sessions_by_use on driver_sessions (seen_at);

-- What drivers did on their page, each once: by its key, in the transaction of its effect.
create table taps (
    company_id uuid not null,
    driver_id uuid not null,
    key uuid not null,
    device uuid not null,
    sequence bigint not null,
    kind text not null,
    about uuid, -- the assignment
    tapped_at timestamptz not null, -- by the phone's clock, corrected
    taken_at timestamptz not null default now(),
    refused text, -- why; null: it was done
    primary key (company_id, driver_id, key)
);
create unique index taps_of_device on taps (company_id, driver_id, device, sequence);
create index taps_by_age on taps (taken_at);

-- By what an app that sends positions says whose they are.
create table position_tokens (
    company_id uuid not null,
    driver_id uuid not null,
    hash bytea not null unique check (octet_length(hash) = 32),
    made_at timestamptz not null default now(),
    primary key (company_id, driver_id)
);
