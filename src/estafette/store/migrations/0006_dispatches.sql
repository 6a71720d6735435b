-- Courier companies that have a platform of their own: how it is reached, and the outbox of the
-- deliveries that are given to it.

-- Keys and secrets are encrypted with the key of the settings; null where a mode is not linked.
create table company_links (
    company_id uuid primary key references companies,
    base_url text not null,
    live_key bytea,
    sandbox_key bytea,
    live_webhook_secret bytea,
    sandbox_webhook_secret bytea,
    created_at timestamptz not null default now()
);

create trigger announce after insert or update or delete or truncate on company_links
    for each statement execute function announce_configuration();

-- One row for each delivery that another platform carries. It is due at next_at, to be placed there
-- (waiting) or looked at (placed); null: nothing is to be done. A claim adds one to attempt, which
-- is its fencing token, and moves next_at to the end of the lease; a row that is claimed while it
-- still says leased_until is of a worker that never reported.
create table dispatches (
    account_id uuid not null,
    delivery_id uuid not null,
    mode text not null check (mode in ('live', 'sandbox')),
    company_id uuid not null,
    offer json not null, -- what the company's offer wanted to see again
    state text not null default 'waiting'
        check (state in ('waiting', 'placed', 'closed', 'refused', 'disputed')),
    upstream_id text, -- the delivery's id there
    fee bigint, -- what it costs there, in whole units
    attempt integer not null default 0,
    leased_until timestamptz,
    next_at timestamptz,
    heard boolean not null default false, -- a webhook came since the claim
    doubted_at timestamptz, -- it may be there, though nobody knows: a request may have left until then
    first_tried_at timestamptz,
    recalled_at timestamptz, -- the merchant wants it cancelled there
    seen text, -- the last of its events there that was applied here
    polls integer not null default 0, -- looks in a row that saw nothing new
    last_error text,
    created_at timestamptz not null default now(),
    primary key (account_id, delivery_id)
) with (fillfactor = 70);

create index dispatches_due on dispatches (company_id, next_at) where next_at is not null;
create unique index dispatches_upstream on dispatches (company_id, upstream_id)
    where upstream_id is not null;
