-- Business dates that are closed. body: the closing's canonical text, one line an account of a lane; hash: SHA-256 of it; previous:
-- the hash of the closing before, 32 zero bytes for the first. Each closing is followed by at most one.
CREATE TABLE closing (
    business_date INTEGER NOT NULL PRIMARY KEY,
    previous      BLOB    NOT NULL UNIQUE,
    hash          BLOB    NOT NULL UNIQUE,
    body          TEXT    NOT NULL
) STRICT;
