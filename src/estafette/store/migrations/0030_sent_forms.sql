-- Forms that people sent, so that one that is sent again (a double click, the back button) ends
-- where the first ended; and what was typed into a form whose session was over, until its person
-- has signed in again. Both end soon: see store/people/forms.py.

create table sent_forms (
    person_id uuid not null,
    token uuid not null,
    digest bytea not null check (octet_length(digest) = 32),
    place text check (length(place) <= 2000), -- null: it is being done, or nobody knows
    sent_at timestamptz not null default now(),
    primary key (person_id, token)
);

create index sent_forms_by_age on sent_forms (sent_at);

create table form_drafts (
    token_hash bytea primary key check (octet_length(token_hash) = 32),
    person_id uuid not null,
    path text not null check (length(path) <= 2000),
    fields bytea not null check (octet_length(fields) <= 300000), -- encrypted
    made_at timestamptz not null default now()
);

create index form_drafts_of_person on form_drafts (person_id, made_at);
create index form_drafts_by_age on form_drafts (made_at);
