-- Which in-house company carries for an account whose API names none: see docs/decisions/0067.

create table carrier_policies (
    account_id uuid primary key,
    choice text not null check (choice in ('cheapest', 'in_order')),
    companies uuid[] not null check (cardinality(companies) between 1 and 50),
    changed_at timestamptz not null default now()
);
create trigger announce after insert or update or delete or truncate on carrier_policies
    for each statement execute function announce_configuration();
