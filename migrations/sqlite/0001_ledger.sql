-- The embedded store. A packed position is (lane << 48) | seq; instants are microseconds since 1970-01-01T00:00:00Z,
-- business dates days since 1970-01-01, amounts whole minor units of their currency. For people there are the views at
-- the end, with decimals and dates as text.

-- What the amounts are counted in. Rows are added, never changed: an amount of minor units means what it meant.
CREATE TABLE currency (
    code           TEXT    NOT NULL PRIMARY KEY,
    minor_digits   INTEGER NOT NULL,
    minor_per_unit INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where each lane stands, and the epoch whose owner may move it.
CREATE TABLE lane (
    id        INTEGER NOT NULL PRIMARY KEY,
    epoch     INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    hash      BLOB    NOT NULL CHECK (length(hash) = 32),
    last_at   INTEGER,
    last_date INTEGER
) STRICT;

-- The truth: a row a record. Idempotency entry and outbox message at once.
CREATE TABLE journal (
    id            INTEGER NOT NULL PRIMARY KEY,
    kind          TEXT    NOT NULL,
    customer      INTEGER,
    key_digest    BLOB,
    at            INTEGER NOT NULL,
    business_date INTEGER NOT NULL,
    body          TEXT    NOT NULL,
    hash          BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE UNIQUE INDEX journal_key ON journal (key_digest) WHERE key_digest IS NOT NULL;

-- The quotes that exchanges used up, each once.
CREATE TABLE quote_use (
    quote  BLOB    NOT NULL UNIQUE,
    record INTEGER NOT NULL
) STRICT;

-- The values that the journal leaves behind, written in its commits.
CREATE TABLE customer (
    id              INTEGER NOT NULL PRIMARY KEY,
    reference       TEXT,
    facts           TEXT,
    limit_at        INTEGER NOT NULL,
    limit_day_won   INTEGER NOT NULL,
    limit_month_won INTEGER NOT NULL
) STRICT;

CREATE TABLE account (
    id           INTEGER NOT NULL PRIMARY KEY,
    customer     INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    facts        TEXT,
    limited_date INTEGER,
    limited_won  INTEGER
) STRICT;

-- Hydration: a customer with all of its accounts.
CREATE INDEX account_customer ON account (customer);

CREATE TABLE balance (
    account      INTEGER NOT NULL,
    currency     TEXT    NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor >= 0),
    version      INTEGER NOT NULL,
    PRIMARY KEY (account, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE round (
    currency           TEXT    NOT NULL,
    business_date      INTEGER NOT NULL,
    number             INTEGER NOT NULL,
    mid                TEXT    NOT NULL,
    unit               INTEGER NOT NULL,
    spread             TEXT    NOT NULL,
    preference_percent TEXT    NOT NULL,
    published_at       INTEGER NOT NULL,
    valid_until        INTEGER NOT NULL,
    status             TEXT    NOT NULL,
    PRIMARY KEY (currency, business_date, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE pair_halt (
    currency TEXT    NOT NULL PRIMARY KEY,
    by       TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    since    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Projections: they follow the journal of each lane by its seq.
CREATE TABLE projection (
    lane INTEGER NOT NULL PRIMARY KEY,
    seq  INTEGER NOT NULL
) STRICT;

CREATE TABLE passbook (
    account       INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    record        INTEGER NOT NULL,
    currency      TEXT    NOT NULL,
    amount_minor  INTEGER NOT NULL,
    balance_minor INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    business_date INTEGER NOT NULL,
    PRIMARY KEY (account, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE daily_balance (
    account       INTEGER NOT NULL,
    currency      TEXT    NOT NULL,
    business_date INTEGER NOT NULL,
    amount_minor  INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    PRIMARY KEY (account, currency, business_date)
) STRICT, WITHOUT ROWID;

-- For people: SELECT * FROM v_balance WHERE customer_id = 'cus_0008000000001'.
CREATE VIEW v_balance AS
SELECT
    'acc_'
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 60) & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 55) & 31) + 1, 1)
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 50) & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 45) & 31) + 1, 1)
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 40) & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 35) & 31) + 1, 1)
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 30) & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 25) & 31) + 1, 1)
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 20) & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 15) & 31) + 1, 1)
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 10) & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 5) & 31) + 1, 1)
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 0) & 31) + 1, 1) AS account_id,
    'cus_'
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 60) & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 55) & 31) + 1, 1)
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 50) & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 45) & 31) + 1, 1)
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 40) & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 35) & 31) + 1, 1)
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 30) & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 25) & 31) + 1, 1)
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 20) & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 15) & 31) + 1, 1)
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 10) & 31) + 1, 1) || substr('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 5) & 31) + 1, 1)
        || substr('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 0) & 31) + 1, 1) AS customer_id,
    a.kind AS kind,
    b.currency AS currency,
    CASE WHEN c.minor_digits = 0 THEN CAST(b.amount_minor AS TEXT)
         ELSE CASE WHEN b.amount_minor < 0 THEN '-' ELSE '' END || (abs(b.amount_minor) / c.minor_per_unit) || '.'
              || substr('0000' || (abs(b.amount_minor) % c.minor_per_unit), -c.minor_digits) END AS amount,
    b.version AS version
FROM balance b
JOIN account a ON a.id = b.account
JOIN currency c ON c.code = b.currency;

CREATE VIEW v_journal AS
SELECT
    id >> 48 AS lane,
    id & 281474976710655 AS seq,
    kind,
    json_extract(body, '$.at') AS at,
    json_extract(body, '$.business_date') AS business_date,
    json_extract(body, '$.caller') AS caller,
    lower(hex(key_digest)) AS key_digest,
    body,
    lower(hex(hash)) AS hash
FROM journal;

-- Postings straight from the journal's texts: a row a leg, debits negative.
CREATE VIEW v_posting AS
SELECT
    j.id >> 48 AS lane,
    j.id & 281474976710655 AS seq,
    j.kind AS kind,
    side.column1 AS side,
    json_extract(j.body, '$.at') AS at,
    json_extract(j.body, '$.business_date') AS business_date,
    json_extract(j.body, '$.' || side.column1 || '.account') AS account_id,
    json_extract(j.body, '$.' || side.column1 || '.customer') AS customer_id,
    json_extract(j.body, '$.' || side.column1 || '.currency') AS currency,
    json_extract(j.body, '$.' || side.column1 || '.amount') AS amount,
    json_extract(j.body, '$.' || side.column1 || '.balance_after') AS balance_after,
    json_extract(j.body, '$.' || side.column1 || '.version') AS version
FROM journal j
JOIN (VALUES ('debit'), ('credit')) AS side
WHERE json_type(j.body, '$.' || side.column1) = 'object';
