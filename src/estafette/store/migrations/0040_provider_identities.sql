-- outside a transaction
-- Who somebody is to the OpenID provider of the settings: its id for them stays, whoever has their
-- e-mail address later. And the open invitations of an e-mail address.

create table if not exists provider_identities (
    issuer text not null check (length(issuer) <= 500),
    subject text not null check (length(subject) <= 255),
    person_id uuid not null,
    since timestamptz not null default now(),
    primary key (issuer, subject),
    unique (person_id, issuer)
);

create index concurrently if not exists invitations_of_email on invitations (email)
    where email is not null and used_at is null and withdrawn_at is null;
