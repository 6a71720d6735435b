-- How accounts show themselves to recipients, and what people are told: recipients by phone, and
-- people who sign in by e-mail. Nobody is told anything unless an account chooses it.

create table brandings (
    account_id uuid primary key,
    name text,
    colour text,
    phone text,
    hours text,
    language text,
    told text[] not null default '{}' -- the kinds of notifications that recipients get
);
create trigger announce after insert or update or delete or truncate on brandings
    for each statement execute function announce_configuration();

-- Each tells one event of one delivery. It holds nothing of the recipient: that is read from the
-- delivery when it is sent.
create table notifications (
    account_id uuid not null,
    delivery_id uuid not null,
    seq integer not null,
    kind text not null,
    state text not null default 'waiting'
    check (state in ('waiting', 'sent', 'overtaken', 'dead')),
    attempt integer not null default 0,
    due_at timestamptz default now(), -- null: it is settled
    leased_until timestamptz,
    worth_until timestamptz not null,
    created_at timestamptz not null default now(),
    last_error text,
    primary key (account_id, delivery_id, seq)
);
create index notifications_of_account on notifications (account_id, due_at)
    where due_at is not null;
create index notifications_due on notifications (due_at) where due_at is not null;

-- The address and the facts, which may be a link that opens something, are encrypted, and gone once
-- the letter is settled.
create table letters (
    id uuid primary key,
    kind text not null,
    content bytea,
    state text not null default 'waiting' check (state in ('waiting', 'sent', 'dead')),
    attempt integer not null default 0,
    due_at timestamptz default now(), -- null: it is settled
    leased_until timestamptz,
    worth_until timestamptz not null,
    created_at timestamptz not null default now(),
    last_error text
);
create index letters_due on letters (due_at) where due_at is not null;
