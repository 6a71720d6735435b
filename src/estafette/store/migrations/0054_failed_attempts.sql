-- What merchants have said of failed attempts: see core/deliveries/failing.py and decision 0077.
alter table accounts
    add column failing_attempts smallint check (failing_attempts between 1 and 5),
    add column failing_then text,
    add constraint accounts_failing_check check ((failing_attempts is null) = (failing_then is null));
