-- Entries say what their record did, so that a list can name its id and pick exchanges. The tables are built anew: the
-- projections stand at the beginning of every lane again and are brought up from the journal before the lane opens, some
-- tens of thousands of records a second.

DROP TABLE passbook;
DROP TABLE daily_balance;
UPDATE projection SET seq = 0;

-- kind: 1 exchange, 2 deposit, 3 withdrawal, 4 transfer, 5 reversal.
CREATE TABLE passbook (
    account       INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    record        INTEGER NOT NULL,
    kind          INTEGER NOT NULL,
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
