-- The projections: they follow the journal of each lane, by its seq. A file of their own, so that moving them on never
-- makes a commit wait; all of it can be built again from the journal. Units as in the ledger: packed positions,
-- microseconds since 1970-01-01T00:00:00Z, days since 1970-01-01, whole minor units.

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
