-- What all accounts of a lane hold, in minor units by currency, moved on in every commit: {"KRW":"864950","USD":"10000"}. NULL
-- until the lane is first taken by a program that knows it, which then adds up what the accounts hold.
ALTER TABLE lane ADD COLUMN totals TEXT;
