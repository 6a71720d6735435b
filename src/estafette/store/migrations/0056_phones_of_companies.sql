-- Whom drivers and recipients call at a courier company. Servers of the version before leave it as
-- it is.

alter table companies add column if not exists phone_e164 text check (length(phone_e164) <= 16);
