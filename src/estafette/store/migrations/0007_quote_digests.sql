-- A quote keeps digests of what it binds instead of the payload itself. A server of the version
-- before reads the empty payload of a newer quote as one that binds nothing but its price.
alter table quotes add column digests json;
alter table quotes alter column payload set default '{}';
