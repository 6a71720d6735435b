-- People who sign in: see docs/people.md and docs/decisions/0056. What opens something is kept as a
-- hash alone; what must be read back (totp_secret) is encrypted with the key of the settings.

create table people (
    id uuid primary key,
    email text not null unique check (length(email) <= 254), -- in lower case
    name text not null check (length(name) <= 100),
    language text not null,
    password_hash text, -- argon2id with its parameters; null: none is set
    created_at timestamptz not null default now(),
    seen_at timestamptz, -- the last sign-in
    disabled_at timestamptz
);

create table memberships (
    kind text not null check (kind in ('platform', 'account', 'company')),
    organisation_id uuid not null, -- zero: the platform
    person_id uuid not null,
    role text not null,
    since timestamptz not null default now(),
    primary key (kind, organisation_id, person_id)
);
create index memberships_of_person on memberships (person_id);

-- A link that works once: to join an organisation, or, with person_id, to set a password anew.
create table invitations (
    id uuid primary key,
    token_hash bytea not null unique,
    kind text, -- null, with the next two: nothing is joined
    organisation_id uuid,
    role text,
    person_id uuid,
    email text, -- null: whoever has the link says their own
    name text not null,
    language text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    withdrawn_at timestamptz,
    check ((kind is null) = (organisation_id is null) and (kind is null) = (role is null)),
    check ((kind is null) <> (person_id is null))
);
create index invitations_of_organisation on invitations (kind, organisation_id, id);
create index invitations_of_person on invitations (person_id) where person_id is not null;
create index invitations_by_end on invitations (expires_at);

create table sessions (
    token_hash bytea primary key,
    id uuid not null unique,
    person_id uuid not null,
    stage text not null check (stage in ('second_factor', 'open')),
    by_factors text not null, -- how they signed in: password, password+totp, passkey, …
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    address text,
    agent text not null
);
create index sessions_of_person on sessions (person_id);
create index sessions_by_end on sessions (expires_at);

create table totp_secrets (
    person_id uuid primary key,
    secret bytea not null, -- encrypted
    last_step bigint not null default 0, -- of the last code that was taken: none of it or before is
    created_at timestamptz not null default now(),
    confirmed_at timestamptz -- null: no code of it has been shown yet
);

create table recovery_codes (
    person_id uuid not null,
    hash bytea not null,
    used_at timestamptz,
    primary key (person_id, hash)
);

create table passkeys (
    person_id uuid not null,
    id uuid not null,
    credential_id bytea not null unique,
    public_key bytea not null,
    sign_count bigint not null,
    name text not null,
    created_at timestamptz not null default now(),
    used_at timestamptz,
    primary key (person_id, id)
);

create table passkey_challenges (
    id uuid primary key,
    challenge bytea not null,
    person_id uuid, -- null: whoever signs in
    purpose text not null check (purpose in ('register', 'sign_in', 'second_factor')),
    expires_at timestamptz not null
);
create index passkey_challenges_by_end on passkey_challenges (expires_at);

-- How much was tried lately: for each person who was named, known or not, and each client address.
create table sign_in_tallies (
    subject bytea primary key,
    since timestamptz not null,
    tries integer not null
);
create index sign_in_tallies_by_age on sign_in_tallies (since);
