-- How far the outbox has published each lane's records: everything up to seq, whose record has this hash, is out for good. Moved
-- on by the lane's owner alone. 0: nothing yet.
CREATE TABLE relay (
    lane  SMALLINT   NOT NULL PRIMARY KEY,
    epoch BIGINT     NOT NULL,
    seq   BIGINT     NOT NULL,
    hash  BINARY(32) NOT NULL
) ENGINE = InnoDB;

INSERT INTO relay (lane, epoch, seq, hash) SELECT id, epoch, 0, REPEAT(CHAR(0), 32) FROM lane;
