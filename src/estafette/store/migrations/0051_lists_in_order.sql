-- outside a transaction
-- Orders in which lists are read: courier companies by name, and the transfers that are awaited of
-- all accounts together. Built beside writers.

create index concurrently if not exists companies_by_name on companies (name, id);
create index concurrently if not exists deliveries_awaited
    on deliveries (mode, created_at, id) where status = 'awaiting_payment';
