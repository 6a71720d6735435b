-- Files of orders that people import. See usecases/deliveries/imports.py.

create table imports (
    account_id uuid not null,
    id uuid not null,
    mode text not null,
    person_id uuid, -- null: nobody in particular
    address text, -- the person's, for the audit
    file_name text not null,
    file bytea, -- until it is read
    choice text not null, -- which of several quotes is taken
    defaults jsonb not null, -- what stands where a row says nothing
    state text not null check (state in ('uploaded', 'preview', 'waiting', 'done', 'refused', 'stopped')),
    reason text, -- why the file is refused
    ignored text[] not null default '{}', -- columns that are not known
    ready integer not null default 0,
    created integer not null default 0,
    again integer not null default 0,
    wrong integer not null default 0,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    ended_at timestamptz,
    next_at timestamptz, -- when there is something to do about it; null: not now
    leased_until timestamptz,
    attempt integer not null default 0, -- the fencing token
    primary key (account_id, id)
);

create index imports_due on imports (next_at) where next_at is not null;
create index imports_newest on imports (account_id, mode, created_at desc, id);

create table import_rows (
    account_id uuid not null,
    import_id uuid not null,
    number integer not null, -- of its line in the file
    name text not null, -- its order's number, for people
    fields jsonb, -- null once they are not needed any more
    key bytea not null, -- tells the same order in another file
    state text not null check (state in ('ready', 'wrong', 'created', 'again', 'refused')),
    faults jsonb,
    delivery_id uuid,
    primary key (account_id, import_id, number)
) with (fillfactor = 70);

create index import_rows_key on import_rows (account_id, key) where delivery_id is not null;
