-- The bank's own books. A packed position is (lane << 48) | seq; instants are microseconds since 1970-01-01T00:00:00Z, business
-- dates days since 1970-01-01, amounts whole minor units of their currency. For people there are the views at the end.

-- What the amounts are counted in. Rows are added, never changed.
CREATE TABLE currency (
    code           TEXT    NOT NULL PRIMARY KEY,
    minor_digits   INTEGER NOT NULL,
    minor_per_unit INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The chart of accounts by which the books are kept. A role keeps its number for good.
CREATE TABLE chart (
    account INTEGER NOT NULL PRIMARY KEY,
    name    TEXT    NOT NULL,
    class   TEXT    NOT NULL,
    role    TEXT    NOT NULL
) STRICT;

-- Where each lane's books stand: moved first in every step, and only from where they stood. The revision is bumped by every change
-- beside the steps. next_offset: of the next message, where the records come as messages.
CREATE TABLE lane_cursor (
    lane          INTEGER NOT NULL PRIMARY KEY,
    seq           INTEGER NOT NULL,
    hash          BLOB    NOT NULL,
    at            INTEGER,
    business_date INTEGER,
    next_offset   INTEGER,
    revision      INTEGER NOT NULL DEFAULT 0,
    stopped       TEXT
) STRICT;

-- A journal a record that moved money; its entries packed: [account, currency of the account or "", "D" or "C", currency, minor
-- units]. kind: 1 deposit, 2 withdrawal, 3 transfer, 4 exchange, 5 reversal, 6 cover.
CREATE TABLE journal (
    id            INTEGER NOT NULL PRIMARY KEY,
    kind          INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    business_date INTEGER NOT NULL,
    reference     TEXT,
    entries       TEXT    NOT NULL
) STRICT;

-- What each account was debited and credited on a business date, lane by lane; of_currency is '' where there is one for all.
CREATE TABLE turnover (
    lane          INTEGER NOT NULL,
    business_date INTEGER NOT NULL,
    account       INTEGER NOT NULL,
    of_currency   TEXT    NOT NULL,
    currency      TEXT    NOT NULL,
    debit_minor   INTEGER NOT NULL,
    credit_minor  INTEGER NOT NULL,
    PRIMARY KEY (lane, business_date, account, of_currency)
) STRICT, WITHOUT ROWID;

-- With which record each business date began in each lane: a day's journals are a range.
CREATE TABLE ledger_day (
    lane          INTEGER NOT NULL,
    business_date INTEGER NOT NULL,
    first_seq     INTEGER NOT NULL,
    PRIMARY KEY (lane, business_date)
) STRICT, WITHOUT ROWID;

-- The hashes of every record that was taken, a row a step, 32 bytes each: a record that comes again must have its own.
CREATE TABLE trail (
    lane      INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    hashes    BLOB    NOT NULL,
    PRIMARY KEY (lane, last_seq)
) STRICT, WITHOUT ROWID;

-- What could not be posted. kind: 1 a record in its place, 2 a message that is no record of the lane. message_offset is -1 where
-- it came as none.
CREATE TABLE dead_letter (
    position       INTEGER NOT NULL,
    kind           INTEGER NOT NULL,
    message_offset INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    since          INTEGER NOT NULL,
    body           BLOB    NOT NULL,
    redelivered_at INTEGER,
    PRIMARY KEY (position, kind, message_offset)
) STRICT, WITHOUT ROWID;

CREATE INDEX dead_letter_open ON dead_letter (position) WHERE redelivered_at IS NULL;

-- For people: a row an entry. SELECT * FROM v_entry WHERE lane = 1 AND seq = 7.
CREATE VIEW v_entry AS
SELECT
    j.id >> 48 AS lane,
    j.id & 281474976710655 AS seq,
    e.key + 1 AS line,
    CASE j.kind WHEN 1 THEN 'deposit' WHEN 2 THEN 'withdrawal' WHEN 3 THEN 'transfer' WHEN 4 THEN 'exchange'
                WHEN 5 THEN 'reversal' ELSE 'cover' END AS kind,
    j.reference AS reference,
    strftime('%Y-%m-%dT%H:%M:%S', j.at / 1000000, 'unixepoch') || printf('.%06dZ', j.at % 1000000) AS at,
    date(j.business_date * 86400, 'unixepoch') AS business_date,
    json_extract(e.value, '$[0]') AS account,
    json_extract(e.value, '$[1]') AS of_currency,
    c.name AS name,
    CASE json_extract(e.value, '$[2]') WHEN 'D' THEN 'debit' ELSE 'credit' END AS side,
    m.code AS currency,
    CASE WHEN m.minor_digits = 0 THEN CAST(json_extract(e.value, '$[4]') AS TEXT)
         ELSE (json_extract(e.value, '$[4]') / m.minor_per_unit) || '.'
              || substr('0000' || (json_extract(e.value, '$[4]') % m.minor_per_unit), -m.minor_digits) END AS amount
FROM journal j
JOIN json_each(j.entries) e
JOIN chart c ON c.account = json_extract(e.value, '$[0]')
JOIN currency m ON m.code = json_extract(e.value, '$[3]');

-- For people: what every account was debited and credited each day, over all lanes, in minor units.
CREATE VIEW v_turnover AS
SELECT
    date(t.business_date * 86400, 'unixepoch') AS business_date,
    t.account AS account,
    t.of_currency AS of_currency,
    c.name AS name,
    t.currency AS currency,
    sum(t.debit_minor) AS debit_minor,
    sum(t.credit_minor) AS credit_minor
FROM turnover t
JOIN chart c ON c.account = t.account
GROUP BY t.business_date, t.account, t.of_currency, c.name, t.currency;

-- For people: the trial balance of everything that is posted, in minor units.
CREATE VIEW v_trial_balance AS
SELECT
    t.account AS account,
    t.of_currency AS of_currency,
    c.name AS name,
    t.currency AS currency,
    sum(t.debit_minor) AS debit_minor,
    sum(t.credit_minor) AS credit_minor,
    sum(t.debit_minor) - sum(t.credit_minor) AS debit_balance_minor
FROM turnover t
JOIN chart c ON c.account = t.account
GROUP BY t.account, t.of_currency, c.name, t.currency;
