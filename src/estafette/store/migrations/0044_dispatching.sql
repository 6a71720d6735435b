-- Automatic dispatching: what a company has decided about it, whose turn it is, and why each
-- delivery was offered to whom: see docs/dispatch.md and docs/decisions/0068.

create table dispatching (
    company_id uuid primary key,
    automatic boolean not null,
    offer_seconds integer not null,
    rounds integer not null,
    most_each integer not null,
    vanish_minutes integer not null,
    due_at timestamptz, -- when the company is looked at next; null: it is not
    attempt integer not null default 0, -- the fencing token of who looks
    leased_until timestamptz,
    changed_at timestamptz not null default now()
);
create index dispatching_due on dispatching (due_at) where due_at is not null;

create table dispatching_decisions (
    company_id uuid not null,
    account_id uuid not null,
    delivery_id uuid not null,
    number integer not null, -- within the delivery
    outcome text not null check (length(outcome) <= 40),
    at timestamptz not null,
    driver_id uuid, -- who was asked, or has vanished
    facts jsonb not null check (length(facts::text) <= 8000),
    primary key (company_id, account_id, delivery_id, number)
);
create index dispatching_decisions_by_at on dispatching_decisions (at);
