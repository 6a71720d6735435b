-- Which driver scheduled deliveries are planned for: see docs/dispatch.md and docs/decisions/0080.

create table if not exists planned_drivers (
    company_id uuid not null,
    account_id uuid not null,
    delivery_id uuid not null,
    driver_id uuid not null,
    pickup_at timestamptz not null, -- when the plan has the driver fetch it
    planned_at timestamptz not null default now(),
    primary key (company_id, account_id, delivery_id)
);
create index if not exists planned_drivers_by_time on planned_drivers (pickup_at);

alter table dispatching add column if not exists batched_at timestamptz; -- when its batch was planned
