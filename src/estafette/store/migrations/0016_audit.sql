-- Who did what: acts of people and programs, written in the transaction of the act. It is only ever
-- added to, and ends by the month: a whole partition is dropped, no row is changed. See
-- core/audit.py. There is no default partition: a year's partitions are made ahead (store/audit.py).

create table audit (
    at timestamptz not null default clock_timestamp(),
    id uuid not null,
    by_kind text not null check (by_kind in ('person', 'key', 'command', 'process')),
    by_name text not null,
    by_address text,
    act text not null check (act ~ '^[a-z_]+\.[a-z_]+$'),
    account_id uuid,
    mode text check (mode in ('live', 'sandbox')),
    object text,
    changes json not null,
    primary key (at, id)
) partition by range (at);

create index audit_of_account on audit (account_id, at);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit is only ever added to' using errcode = 'restrict_violation';
end
$$;

-- for each row: a trigger of this kind is copied to every partition, which can be named by itself
create trigger append_only before update or delete on audit
    for each row execute function refuse_audit_change();
create trigger never_emptied before truncate on audit
    for each statement execute function refuse_audit_change();
