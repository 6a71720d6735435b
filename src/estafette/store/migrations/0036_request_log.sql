-- The requests of each account with its keys, of the last days: no bodies, no paths, no addresses.

create table api_requests (
    account_id uuid not null,
    mode text not null check (mode in ('live', 'sandbox')),
    at timestamptz not null, -- when it was answered
    request_id text not null,
    key_id uuid not null,
    method text not null,
    route text not null, -- the template of its path
    status smallint not null,
    code text, -- of the refusal, in the words of the API
    duration_ms real not null
) partition by range (at);

create index api_requests_of_account on api_requests (account_id, mode, at);
create index api_requests_refused on api_requests (account_id, mode, at) where status >= 400;
create index api_requests_by_id on api_requests (account_id, request_id);
create table api_requests_default partition of api_requests default;

-- How many requests of an hour are not among them, because there were too many at a time.
create table api_request_gaps (
    account_id uuid not null,
    mode text not null check (mode in ('live', 'sandbox')),
    hour timestamptz not null,
    dropped bigint not null,
    primary key (account_id, mode, hour)
);
