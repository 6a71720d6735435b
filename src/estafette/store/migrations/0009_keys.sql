-- What an API key is called, what it may do and from where, and what its pages may have delivered.
-- Columns are null or constant: servers of the version before go on, and know nothing of them.

alter table api_keys
    add column name text not null default '' check (char_length(name) <= 60),
    add column scopes text[], -- acts; null: every act, those too that come to be
    add column networks cidr[] not null default '{}', -- none: from anywhere
    add column limits json, -- of a publishable key; null: it is older than limits
    add column replaced_by uuid; -- by the key of a rotation

-- Apart from the keys: a change of these makes every server read its configuration again.
create table key_uses (
    account_id uuid not null,
    key_id uuid not null,
    used_at timestamptz not null,
    used_from text, -- the client's address
    primary key (account_id, key_id)
);

-- How many deliveries the pages of a publishable key had created lately; see core/page_orders.py.
-- A row is over when an hour has passed since its last slice of five minutes.
create table page_tallies (
    account_id uuid not null,
    key_id uuid not null,
    source bytea not null, -- stands for a client's address; empty: all together
    last_slice bigint not null,
    counts integer[] not null,
    primary key (account_id, key_id, source)
);

alter table deliveries add column key_id uuid; -- null: older than that it was kept
