-- The logo that recipients see of an account, as it was written anew: a small WebP.

create table logos (
    account_id uuid primary key,
    digest text not null, -- of the picture: it is served under that name, and so kept for ever
    body bytea not null check (length(body) <= 1048576)
);
create unique index logos_by_digest on logos (digest, account_id);
