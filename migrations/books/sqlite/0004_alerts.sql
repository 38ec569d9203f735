-- What the watch found. The id is made of rule, subject and place: found again, it is the same row. severity: 0 info, 1 warning,
-- 2 critical; state: 0 open, 1 acknowledged, 2 resolved. at: when it happened; first_seen, last_seen: when it was found. record: the
-- packed position that shows it. published_at: when Kafka took it, where alerts go there.
CREATE TABLE alert (
    id                TEXT    NOT NULL PRIMARY KEY,
    rule              TEXT    NOT NULL,
    severity          INTEGER NOT NULL,
    state             INTEGER NOT NULL DEFAULT 0,
    subject_kind      TEXT    NOT NULL,
    subject           TEXT    NOT NULL,
    expected          TEXT    NOT NULL,
    found             TEXT    NOT NULL,
    record            INTEGER,
    account           INTEGER,
    pair              TEXT,
    at                INTEGER NOT NULL,
    first_seen        INTEGER NOT NULL,
    last_seen         INTEGER NOT NULL,
    times_seen        INTEGER NOT NULL DEFAULT 1,
    times_reopened    INTEGER NOT NULL DEFAULT 0,
    acknowledged_at   INTEGER,
    acknowledged_by   TEXT,
    acknowledged_note TEXT,
    resolved_at       INTEGER,
    resolved_by       TEXT,
    resolved_note     TEXT,
    published_at      INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX alert_by_time ON alert (first_seen, id);
CREATE INDEX alert_unpublished ON alert (first_seen) WHERE published_at IS NULL;

-- Where the watch of each lane stands: the newest whole generation of its state, and how many parts that has. digest: SHA-256 of the
-- parts together. Parts of another generation are leavings.
CREATE TABLE watch_state (
    lane        INTEGER NOT NULL PRIMARY KEY,
    generation  INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    hash        BLOB    NOT NULL,
    next_offset INTEGER,
    parts       INTEGER NOT NULL,
    digest      BLOB    NOT NULL
) STRICT;

CREATE TABLE watch_part (
    lane       INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    part       INTEGER NOT NULL,
    body       BLOB    NOT NULL,
    PRIMARY KEY (lane, generation, part)
) STRICT, WITHOUT ROWID;
