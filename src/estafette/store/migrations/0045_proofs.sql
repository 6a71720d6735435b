-- What shows that a parcel was picked up, handed over or brought back. A picture is a file beside
-- the database (docs/drivers.md), written before its row. The files of rows that are gone, by
-- whatever statement, are removed later.

create table proofs (
    account_id uuid not null,
    delivery_id uuid not null,
    id uuid not null, -- made by whoever sends it, so that it can be sent again
    mode text not null check (mode in ('live', 'sandbox')),
    kind text not null,
    stage text not null,
    said text check (length(said) <= 100), -- a name, a kind of document, years
    path text,
    media_type text,
    size integer,
    sha256 bytea,
    sent_digest bytea not null, -- of all that was sent, by which a repetition is told
    latitude double precision,
    longitude double precision,
    metres integer, -- from the stop
    driver_id uuid,
    taken_at timestamptz not null,
    received_at timestamptz not null default now(),
    primary key (account_id, delivery_id, id)
);
create index proofs_by_age on proofs (received_at);

create table file_removals (
    path text primary key,
    since timestamptz not null default now()
);

create function remove_file_of_proof() returns trigger language plpgsql as $$
begin
    insert into file_removals (path) select distinct path from gone where path is not null
    on conflict do nothing;
    return null;
end
$$;
create trigger remove_file after delete on proofs
    referencing old table as gone
    for each statement execute function remove_file_of_proof();
