-- The first of the keys that a key has followed in rotations, with which it is counted; null: none,
-- or it was made by a server of the version before, which counts each key by itself.
alter table api_keys add column lineage uuid;

with recursive followed (account_id, id, lineage) as (
    select account_id, replaced_by, id from api_keys first
    where replaced_by is not null and not exists (
        select from api_keys before
        where before.account_id = first.account_id and before.replaced_by = first.id
    )
    union all
    select followed.account_id, api_keys.replaced_by, followed.lineage
    from followed join api_keys using (account_id, id) where api_keys.replaced_by is not null
)
update api_keys set lineage = followed.lineage from followed
where api_keys.account_id = followed.account_id and api_keys.id = followed.id;
