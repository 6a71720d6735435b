-- Keys of the operator's own programs, and what these were answered: see docs/dialects/operator.md.

create table operator_keys (
    id uuid primary key,
    hash bytea not null unique,
    hint text not null,
    name text not null,
    scopes text[] not null, -- acts of people, see core/people/permission.py
    networks cidr[] not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    disabled_at timestamptz,
    replaced_by uuid,
    used_at timestamptz,
    used_from text
);

-- An answer for its idempotency key; without one the request is under way. The body is encrypted: it
-- may hold a key or a link.
create table operator_answers (
    key_id uuid not null,
    key text not null,
    request bytea not null, -- a fingerprint of method, path and body
    begun_at timestamptz not null default now(),
    status integer,
    headers bytea,
    body bytea,
    primary key (key_id, key)
);
create index operator_answers_by_age on operator_answers (begun_at);
