-- To remove the text of one delivery. Only the worker writes this table, and waits for its index to
-- be built; searches go on.

create index search_grams_of_delivery on search_grams (account_id, delivery_id);
