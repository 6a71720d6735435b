-- Who looks for one person, object or act among all entries reads those alone. The indexes are of the
-- table alone: its partitions get them by and by, beside their writers (store/audit.py).

create index audit_by_name on only audit (by_name, at, id);
create index audit_by_object on only audit (object, at, id) where object is not null;
create index audit_by_act on only audit (act text_pattern_ops, at, id);

-- What a form answered that shows a secret once, encrypted: for a minute (usecases/people/forms.py).
alter table sent_forms add column answer bytea;
