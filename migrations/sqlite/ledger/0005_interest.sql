-- The last business date for which interest was paid on the account; NULL before the first payment: interest counts from the day
-- of opening then. That no day is paid for twice, the journal's used_once guards.
ALTER TABLE account ADD COLUMN paid_through INTEGER;
