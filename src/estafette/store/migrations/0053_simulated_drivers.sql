-- outside a transaction
-- Which drivers are simulated is asked every few seconds: see docs/decisions/0076.
create index concurrently if not exists drivers_simulated on drivers (company_id, id)
    where mode = 'sandbox' and removed_at is null;
