-- The books: who has received and given what, in whole units of the market's currency.
--
-- A transfer is what one cause books for one delivery: lines that sum to zero, positive for the
-- book that receives, negative for the one that gives. So a book's balance is what it has had more
-- than it has given: above zero it owes, below zero it is owed. See core/ledger.py.

create table ledger_entries (
    account_id uuid not null,
    delivery_id uuid not null,
    cause text not null
        check (cause in ('delivered', 'cash_collected', 'transfer_confirmed', 'refunded')),
    line smallint not null,
    mode text not null check (mode in ('live', 'sandbox')),
    book text not null check (book in ('merchant', 'company', 'platform', 'cash')),
    company_id uuid not null, -- the delivery's, whichever the book
    amount bigint not null check (amount <> 0),
    booked_at timestamptz not null default now(),
    primary key (account_id, delivery_id, cause, line) -- a cause is booked once
);

create index ledger_entries_statement
    on ledger_entries (account_id, mode, booked_at, delivery_id, cause, line)
    include (book, company_id, amount);

create function refuse_ledger_change() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is only ever added to' using errcode = 'restrict_violation';
end
$$;

create trigger append_only before update or delete or truncate on ledger_entries
    for each statement execute function refuse_ledger_change();

create function check_ledger_transfer() returns trigger language plpgsql as $$
begin
    if (select sum(amount) from ledger_entries
        where account_id = new.account_id and delivery_id = new.delivery_id
            and cause = new.cause) <> 0
    then
        raise exception 'the lines of % for delivery % do not sum to zero',
            new.cause, new.delivery_id using errcode = 'check_violation';
    end if;
    return null;
end
$$;

create constraint trigger sums_to_zero after insert on ledger_entries
    deferrable initially deferred
    for each row execute function check_ledger_transfer();

-- What an operator has to confirm.
create index deliveries_awaiting_payment on deliveries (account_id, mode, created_at, id)
    where status = 'awaiting_payment';
