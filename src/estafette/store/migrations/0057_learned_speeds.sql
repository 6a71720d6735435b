-- How fast the drivers of a company have proved to be: see docs/dispatch.md and docs/decisions/0080.

create table if not exists learned_speeds (
    company_id uuid not null,
    city text not null check (length(city) <= 100), -- its code
    vehicle text not null check (length(vehicle) <= 20),
    hours text not null check (length(hours) <= 20), -- a class of hours of the day
    latitude double precision not null, -- the middle of the city
    longitude double precision not null,
    ratio double precision not null check (ratio between 0.1 and 10), -- of the time to the usual one
    legs integer not null check (legs > 0), -- from so many
    learned_at timestamptz not null default now(),
    primary key (company_id, city, vehicle, hours)
);
create index if not exists learned_speeds_by_time on learned_speeds (learned_at);

alter table dispatching add column if not exists learned_at timestamptz; -- when it was last looked at
