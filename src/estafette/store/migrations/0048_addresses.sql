-- Where exactly a parcel goes: what its recipient says, and what drivers have found out. See
-- core/deliveries/places.py and docs/decisions/0072.

-- Written from the tracking page, read by whoever carries the parcel, never by who has the link.
create table recipient_words (
    account_id uuid not null,
    delivery_id uuid not null,
    mode text not null check (mode in ('live', 'sandbox')),
    latitude double precision check (latitude between -90 and 90),
    longitude double precision check (longitude between -180 and 180),
    landmark text check (length(landmark) <= 200),
    note text check (length(note) <= 500),
    wanted_from timestamptz, -- a better time for it to come
    wanted_until timestamptz,
    changes integer not null default 1, -- how often it was said
    said_at timestamptz not null default now(),
    primary key (account_id, delivery_id),
    check ((latitude is null) = (longitude is null)),
    check ((wanted_from is null) = (wanted_until is null))
);

-- Where an address of an account really is, as a driver has found it. The address itself is not
-- kept here: the key is a hash of its words with the account.
create table address_corrections (
    account_id uuid not null,
    mode text not null check (mode in ('live', 'sandbox')),
    address_key bytea not null check (length(address_key) = 32),
    latitude double precision not null check (latitude between -90 and 90),
    longitude double precision not null check (longitude between -180 and 180),
    note text check (length(note) <= 200),
    company_id uuid not null, -- of the driver
    driver_id uuid not null,
    corrected_at timestamptz not null default now(), -- it ends some time after
    primary key (account_id, mode, address_key)
);
create index address_corrections_end on address_corrections (corrected_at);
