-- The origins of web pages that an account trusts with its publishable keys; see core/origin.py.

alter table accounts add column origins text[] not null default '{}';
