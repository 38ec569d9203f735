-- To which channel a customer belongs: the caller who opened it, unless the opening says otherwise. What was opened
-- before says nothing else.
ALTER TABLE customer ADD COLUMN channel TEXT NOT NULL DEFAULT 'operator';

UPDATE customer
SET channel = coalesce((SELECT json_extract(j.body, '$.caller') FROM journal j WHERE j.id = customer.id), channel);

-- Lists: a channel's customers in the order of their opening, and by the bank's own name for them.
CREATE INDEX customer_channel ON customer (channel, id);
CREATE INDEX customer_reference ON customer (reference) WHERE reference IS NOT NULL;

-- What a record uses that is used once: a quote, or the exchange that it reverses.
DROP VIEW v_journal;
DROP INDEX journal_quote;
ALTER TABLE journal RENAME COLUMN quote TO used_once;
CREATE UNIQUE INDEX journal_used_once ON journal (used_once) WHERE used_once IS NOT NULL;

CREATE VIEW v_journal AS
SELECT
    id >> 48 AS lane,
    id & 281474976710655 AS seq,
    kind,
    json_extract(body, '$.at') AS at,
    json_extract(body, '$.business_date') AS business_date,
    json_extract(body, '$.caller') AS caller,
    lower(hex(key_digest)) AS key_digest,
    lower(hex(used_once)) AS used_once,
    body,
    lower(hex(hash)) AS hash
FROM journal;

-- Money that belongs to no customer's account until somebody decides: what came back to an account that was closed.
CREATE VIEW v_suspense AS
SELECT
    id >> 48 AS lane,
    id & 281474976710655 AS seq,
    json_extract(body, '$.at') AS at,
    json_extract(body, '$.business_date') AS business_date,
    json_extract(body, '$.reversal') AS reversal_id,
    json_extract(body, '$.exchange') AS exchange_id,
    json_extract(body, '$.suspense.currency') AS currency,
    json_extract(body, '$.suspense.amount') AS amount
FROM journal
WHERE kind = 'reversed' AND json_type(body, '$.suspense') = 'object';
