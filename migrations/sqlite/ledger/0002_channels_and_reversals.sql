-- To whom a customer belongs. Until now there was one caller, by the name of operator.
ALTER TABLE customer ADD COLUMN channel TEXT NOT NULL DEFAULT 'operator';

-- Lists of customers. Written only when a customer is opened: neither column ever changes.
CREATE INDEX customer_channel ON customer (channel, id);
CREATE INDEX customer_reference ON customer (reference, id) WHERE reference IS NOT NULL;

-- What a record uses up: a quote, or an exchange that is reversed. The index follows the column.
ALTER TABLE journal RENAME COLUMN quote TO used_once;
