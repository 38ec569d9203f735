-- Business dates that are closed. body: the closing's canonical text, one line an account of a lane; hash: SHA-256 of it; previous:
-- the hash of the closing before, 32 zero bytes for the first. Each closing is followed by at most one.
CREATE TABLE closing (
    business_date INT        NOT NULL PRIMARY KEY,
    previous      BINARY(32) NOT NULL,
    hash          BINARY(32) NOT NULL,
    body          MEDIUMTEXT NOT NULL,
    UNIQUE KEY closing_previous (previous),
    UNIQUE KEY closing_hash (hash)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
