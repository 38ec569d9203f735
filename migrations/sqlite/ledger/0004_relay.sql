-- How far the outbox has published each lane's records: everything up to seq, whose record has this hash, is out for good. Moved
-- on by the lane's owner alone. 0: nothing yet.
CREATE TABLE relay (
    lane  INTEGER NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    hash  BLOB    NOT NULL
) STRICT;
