-- The history of reconciliations. id is the instant at which one began, in microseconds since 1970-01-01T00:00:00Z; status is
-- running, clean, broken or failed; the report is JSON.
CREATE TABLE reconciliation (
    id            INTEGER NOT NULL PRIMARY KEY,
    business_date INTEGER,
    status        TEXT    NOT NULL,
    finished_at   INTEGER,
    accounts      INTEGER NOT NULL,
    postings      INTEGER NOT NULL,
    breaks        INTEGER NOT NULL,
    report        TEXT    NOT NULL
) STRICT;

-- Lanes as they closed a day that reconciled clean: where the next day's walk begins. Packed; the digest runs through chunks and
-- head, so that a change of either is noticed. Written by reconciliation alone, never to be edited.
CREATE TABLE reconciliation_snapshot (
    lane          INTEGER NOT NULL,
    business_date INTEGER NOT NULL,
    chunks        INTEGER NOT NULL,
    body          BLOB    NOT NULL,
    digest        BLOB    NOT NULL,
    PRIMARY KEY (lane, business_date)
) STRICT, WITHOUT ROWID;

CREATE TABLE reconciliation_chunk (
    lane          INTEGER NOT NULL,
    business_date INTEGER NOT NULL,
    number        INTEGER NOT NULL,
    body          BLOB    NOT NULL,
    digest        BLOB    NOT NULL,
    PRIMARY KEY (lane, business_date, number)
) STRICT;

-- For people: the newest reconciliations.
CREATE VIEW v_reconciliation AS
SELECT
    strftime('%Y-%m-%dT%H:%M:%S', id / 1000000, 'unixepoch') || printf('.%06dZ', id % 1000000) AS started_at,
    date(business_date * 86400, 'unixepoch') AS business_date,
    status,
    (finished_at - id) / 1000 AS milliseconds,
    accounts,
    postings,
    breaks
FROM reconciliation
ORDER BY id DESC;
