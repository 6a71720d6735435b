-- outside a transaction
-- Drivers of in-house courier companies, and what they carry: see docs/drivers.md and
-- docs/decisions/0066. Each table begins with the company, as those of merchants do with the account.

create table if not exists drivers (
    company_id uuid not null,
    id uuid not null,
    mode text not null check (mode in ('live', 'sandbox')), -- of the deliveries; sandbox: simulated
    name text not null check (length(name) <= 100),
    phone_e164 text not null check (length(phone_e164) <= 16),
    person_id uuid, -- who signs in as this driver; null: nobody has yet
    vehicle text not null check (vehicle in ('foot', 'bicycle', 'motorcycle', 'car', 'van')),
    capacity_grams integer not null check (capacity_grams > 0),
    capacity_parcels integer not null check (capacity_parcels > 0),
    skills text[] not null default '{}' check (cardinality(skills) <= 20),
    zones text[] not null default '{}' check (cardinality(zones) <= 100), -- none: wherever the company goes
    cash_limit bigint check (cash_limit >= 0), -- whole units; null: none of its own
    created_at timestamptz not null default now(),
    paused_at timestamptz,
    removed_at timestamptz,
    primary key (company_id, id)
);
create unique index if not exists drivers_by_phone on drivers (company_id, mode, phone_e164)
    where removed_at is null;
create index if not exists drivers_of_phone on drivers (phone_e164) where removed_at is null;
create index if not exists drivers_of_person on drivers (person_id) where person_id is not null;

create table if not exists shifts (
    company_id uuid not null,
    id uuid not null,
    driver_id uuid not null,
    began_at timestamptz not null,
    ended_at timestamptz,
    device text not null check (length(device) <= 200), -- from which the driver began it
    primary key (company_id, id)
);
create unique index if not exists shifts_open on shifts (company_id, driver_id) where ended_at is null;
create index if not exists shifts_of_driver on shifts (company_id, driver_id, began_at);
create index if not exists shifts_by_end on shifts (ended_at) where ended_at is not null;

create table if not exists assignments (
    company_id uuid not null,
    id uuid not null,
    account_id uuid not null,
    delivery_id uuid not null,
    mode text not null check (mode in ('live', 'sandbox')),
    number integer not null, -- within the delivery
    driver_id uuid not null,
    state text not null
        check (state in ('offered', 'accepted', 'done', 'refused', 'expired', 'released')),
    grams integer not null, -- what the parcel takes of the driver's capacity
    by_kind text not null, -- who gave it: a person, a command, a process
    by_name text not null,
    reason text check (length(reason) <= 500), -- why it was given, and then why it ended
    created_at timestamptz not null,
    answer_by timestamptz, -- until when it can be accepted; null: it is no open offer
    accepted_at timestamptz,
    arrived_at timestamptz, -- at the pickup
    picked_up_at timestamptz,
    ended_at timestamptz,
    primary key (company_id, id),
    unique (company_id, account_id, delivery_id, number)
);
create unique index if not exists assignments_accepted
    on assignments (company_id, account_id, delivery_id) where state = 'accepted';
create unique index if not exists assignments_offered
    on assignments (company_id, account_id, delivery_id, driver_id) where state = 'offered';
create index if not exists assignments_open on assignments (company_id, driver_id)
    where state in ('offered', 'accepted');
create index if not exists assignments_of_driver on assignments (company_id, driver_id, id);
create index if not exists assignments_due on assignments (answer_by) where answer_by is not null;
create index if not exists assignments_by_end on assignments (ended_at) where ended_at is not null;

-- What a driver still has to do, in order: the pickup and the drop-off of each accepted delivery.
create table if not exists tour_stops (
    company_id uuid not null,
    driver_id uuid not null,
    account_id uuid not null,
    delivery_id uuid not null,
    kind text not null check (kind in ('pickup', 'dropoff')),
    place integer not null, -- the order of work; the numbers have gaps
    planned_at timestamptz, -- the arrival; null: nobody has planned it
    primary key (company_id, driver_id, account_id, delivery_id, kind)
);

create table if not exists positions (
    company_id uuid not null,
    driver_id uuid not null,
    at timestamptz not null, -- by the device's clock, never later than received_at
    received_at timestamptz not null,
    latitude double precision not null check (latitude between -90 and 90),
    longitude double precision not null check (longitude between -180 and 180),
    accuracy_metres real,
    speed_kmh real,
    course_degrees real,
    battery_percent real,
    source text not null check (source in ('page', 'traccar', 'simulated')),
    primary key (company_id, driver_id)
) with (fillfactor = 50);

create table if not exists position_history (
    company_id uuid not null,
    driver_id uuid not null,
    at timestamptz not null,
    received_at timestamptz not null,
    latitude double precision not null,
    longitude double precision not null,
    accuracy_metres real,
    speed_kmh real,
    course_degrees real,
    battery_percent real,
    source text not null
) partition by range (received_at);
create index if not exists position_history_of_driver
    on position_history (company_id, driver_id, received_at);
create table if not exists position_history_default partition of position_history default;

create index concurrently if not exists deliveries_of_company
    on deliveries (company_id, mode, status, id)
    where company_id is not null and status in (
        'pending', 'assigned', 'pickup_ready', 'in_transit', 'out_for_delivery', 'stalled'
    );
