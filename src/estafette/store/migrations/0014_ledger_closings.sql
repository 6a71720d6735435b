-- Balances carried forward: what all books of an account and mode stood at, at the end of a day
-- (UTC). It is the sum of all entries booked before closed_to, and may be deleted: it is made anew.
-- A statement begins with the last of these before it, and adds up what was booked since.

create table ledger_closings (
    account_id uuid not null,
    mode text not null,
    closed_to timestamptz not null,
    book text not null,
    company_id uuid not null,
    amount numeric not null, -- sums outgrow 64 bits
    primary key (account_id, mode, closed_to, book, company_id)
);

-- Entries are booked at the beginning of their transaction, and a day is closed an hour after its
-- end, when no transaction is left that began in it. An entry that is dated back all the same, by
-- hand, opens again what was closed after it. The lock keeps it and a closing apart.
create function reopen_ledger() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended(new.account_id::text || new.mode, 427021005669));
    delete from ledger_closings
    where account_id = new.account_id and mode = new.mode and closed_to > new.booked_at;
    return null;
end
$$;

create trigger reopen after insert on ledger_entries
    for each row when (new.booked_at < clock_timestamp() - interval '15 minutes')
    execute function reopen_ledger();
