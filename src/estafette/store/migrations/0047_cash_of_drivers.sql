-- Cash in the hands of drivers: see core/money/cash.py and docs/decisions/0071.

-- Not looked through: what stands there satisfies the narrower checks that it had until now.
alter table ledger_entries
    add column driver_id uuid, -- whose cash it is, in the book of drivers
    drop constraint ledger_entries_cause_check,
    add constraint ledger_entries_cause_check check (
        cause in (
            'delivered', 'cash_collected', 'transfer_confirmed', 'refunded', 'settled', 'paid_out',
            'handed_over', 'handover_reversed', 'collection_reversed'
        )
    ) not valid,
    drop constraint ledger_entries_book_check,
    add constraint ledger_entries_book_check
        check (book in ('merchant', 'company', 'platform', 'cash', 'driver')) not valid,
    add constraint ledger_entries_driver_check
        check ((book = 'driver') = (driver_id is not null)) not valid;

-- The book of each driver, across all accounts: how it stands, and what was booked in it. Both are
-- written with the ledger's lines by a trigger, and by nothing else; what is in hand is their sum.
create table driver_cash (
    company_id uuid not null,
    mode text not null check (mode in ('live', 'sandbox')),
    driver_id uuid not null,
    account_id uuid not null,
    in_hand bigint not null check (in_hand >= 0),
    changed_at timestamptz not null default now(),
    primary key (company_id, mode, driver_id, account_id)
);
create index driver_cash_of_account on driver_cash (account_id);

create table driver_cash_entries (
    company_id uuid not null,
    mode text not null,
    driver_id uuid not null,
    booked_at timestamptz not null,
    account_id uuid not null,
    cause_id uuid not null, -- the delivery, or the handover
    cause text not null,
    amount bigint not null,
    primary key (company_id, mode, driver_id, booked_at, account_id, cause_id, cause)
);
create index driver_cash_entries_of_account on driver_cash_entries (account_id);
create index driver_cash_entries_end on driver_cash_entries using brin (booked_at);

create function keep_driver_cash() returns trigger language plpgsql as $$
begin
    insert into driver_cash_entries
        (company_id, mode, driver_id, booked_at, account_id, cause_id, cause, amount)
    values
        (new.company_id, new.mode, new.driver_id, new.booked_at, new.account_id, new.delivery_id,
         new.cause, new.amount);
    if new.amount > 0 then
        insert into driver_cash as known (company_id, mode, driver_id, account_id, in_hand)
        values (new.company_id, new.mode, new.driver_id, new.account_id, new.amount)
        on conflict (company_id, mode, driver_id, account_id)
        do update set in_hand = known.in_hand + excluded.in_hand, changed_at = now();
    else
        update driver_cash set in_hand = in_hand + new.amount, changed_at = now()
        where company_id = new.company_id and mode = new.mode and driver_id = new.driver_id
            and account_id = new.account_id;
        if not found then
            raise exception 'driver % has no cash of that account', new.driver_id
                using errcode = 'check_violation';
        end if;
    end if;
    return null;
end
$$;

create trigger driver_cash after insert on ledger_entries
    for each row when (new.book = 'driver') execute function keep_driver_cash();

-- Cash that a driver declares and a second person counts. Its lines in the books have its id in the
-- place of a delivery's.
create table cash_handovers (
    company_id uuid not null,
    id uuid not null,
    mode text not null check (mode in ('live', 'sandbox')),
    driver_id uuid not null,
    number integer not null, -- what people call it by
    state text not null check (state in ('declared', 'counted', 'withdrawn', 'reversed')),
    declared bigint not null check (declared > 0),
    declared_by_kind text not null,
    declared_by text not null,
    declared_at timestamptz not null default now(),
    counted bigint check (counted >= 0),
    ended_by_kind text,
    ended_by text,
    ended_at timestamptz,
    reason text check (length(reason) <= 500), -- of a difference
    reversed_by_kind text,
    reversed_by text,
    reversed_at timestamptz,
    reversal text check (length(reversal) <= 500),
    primary key (company_id, id),
    unique (company_id, number),
    check ((counted is not null) = (state in ('counted', 'reversed')))
);
create unique index cash_handovers_open on cash_handovers (company_id, driver_id)
    where state = 'declared';
create index cash_handovers_list on cash_handovers (company_id, mode, declared_at, id);
create index cash_handovers_of_driver on cash_handovers (company_id, driver_id, declared_at, id);
