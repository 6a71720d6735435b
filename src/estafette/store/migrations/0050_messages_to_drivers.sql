-- What dispatchers write to drivers, who read it on their page.

create table driver_messages (
    company_id uuid not null,
    driver_id uuid not null,
    id uuid not null,
    text text not null check (length(text) <= 500),
    by_kind text not null,
    by_name text not null,
    created_at timestamptz not null default now(),
    read_at timestamptz,
    primary key (company_id, driver_id, id)
);
create index driver_messages_by_age on driver_messages (created_at);
