-- What an operator does by hand: accounts that are disabled, and money that changes hands.

-- Not disabled_at: queries of versions before name that column of api_keys without its table.
alter table accounts add column disabled_since timestamptz; -- its keys open nothing; null: they do

-- Money that the operator receives from somebody (settled) or pays to somebody (paid_out). Its lines
-- in the books have this id in the place of a delivery's, and no company where none has part in it.
create table ledger_payments (
    account_id uuid not null,
    id uuid not null,
    mode text not null check (mode in ('live', 'sandbox')),
    cause text not null check (cause in ('settled', 'paid_out')),
    book text not null check (book in ('merchant', 'company', 'cash')),
    company_id uuid, -- null: the merchant's own
    amount bigint not null check (amount > 0),
    reference text not null, -- the bank's, or the receipt's: it makes the same payment once
    booked_at timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, mode, reference)
);

-- Not looked through: what stands there satisfies the narrower check that it had until now.
alter table ledger_entries
    drop constraint ledger_entries_cause_check,
    add constraint ledger_entries_cause_check check (
        cause in
        ('delivered', 'cash_collected', 'transfer_confirmed', 'refunded', 'settled', 'paid_out')
    ) not valid;
