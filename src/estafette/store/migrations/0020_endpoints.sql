-- What an endpoint may choose beside its address: in which order and in which form its webhooks come,
-- and what headers they bear besides; why it is disabled where nobody disabled it, and that it was
-- removed (messages and attempts refer to it for as long as they are kept).

alter table endpoints
    -- how long a webhook waits for an earlier one of its delivery; null: as the dialect says
    add column order_seconds integer check (order_seconds between 0 and 86400),
    add column format text not null default 'dialect' check (format in ('dialect', 'standard')),
    add column headers bytea, -- a JSON object, encrypted with the key of the settings
    add column disabled_why text check (disabled_why in ('gone')), -- null: by hand
    add column removed_at timestamptz;

-- How often in a row an endpoint has answered that it is gone (410), and since when.
alter table endpoint_failures
    add column gone integer not null default 0,
    add column gone_since timestamptz;
