-- Courier companies, what a quote of theirs binds, and how a delivery is paid for. Every column
-- that is added is null or constant for a delivery without a company: no row is rewritten.

create table companies (
    id uuid primary key,
    market text not null,
    account_id uuid references accounts, -- null: serves every account of the market
    name text not null,
    slug text not null check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    connector text not null check (connector in ('inhouse', 'remote', 'sandbox')),
    logo_url text,
    service_zones text[] not null default '{}', -- cities or provinces; none: the whole market
    base_fee bigint check (base_fee >= 0),
    base_eta_minutes integer check (base_eta_minutes > 0),
    time_zone text not null,
    hours jsonb, -- {"mon": [["08:00", "18:00"]]}; null: always
    capabilities jsonb not null default '{}',
    margin_percent numeric not null default 0 check (margin_percent >= 0),
    margin_fixed bigint not null default 0 check (margin_fixed >= 0),
    active boolean not null default true, -- companies are never deleted: deliveries name them
    created_at timestamptz not null default now(),
    unique nulls not distinct (market, account_id, slug)
);

create trigger announce after insert or update or delete or truncate on companies
    for each statement execute function announce_configuration();

-- terms: what the company's offer said besides the price; see store/quotes.py
alter table quotes add column company_id uuid, add column terms json;

-- terms: what is only ever read with the delivery (payment, schedule, metadata, PIN), kept to the
-- letter; see store/terms.py
alter table deliveries
    add column reference text,
    add column company_id uuid,
    add column terms json,
    add column pin_failures smallint not null default 0,
    add column watch_at timestamptz; -- when to look whether it must move by itself

create unique index deliveries_reference on deliveries (account_id, mode, reference)
    where reference is not null;
create index deliveries_watch on deliveries (watch_at) where watch_at is not null;

-- The last number given to a delivery; its row's lock keeps the numbers without gaps.
create table delivery_references (
    account_id uuid not null,
    mode text not null,
    year smallint not null,
    last integer not null,
    primary key (account_id, mode, year)
);
