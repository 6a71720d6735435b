-- Quotes are partitioned by the day in their id (UUIDv7), so that old ones are dropped with their
-- day and a look-up by id goes to one partition. No row is moved: the table that is there becomes
-- the default partition, and then, by itself, the partition of the days until it was; see
-- store/partitions.py.

alter table quotes rename to quotes_default;
alter index quotes_pkey rename to quotes_default_pkey;

create table quotes (like quotes_default including defaults including constraints)
    partition by range (id);
alter table quotes add primary key (account_id, id);
alter table quotes attach partition quotes_default default;
