-- The history of reconciliations. id is the instant at which one began, in microseconds since 1970-01-01T00:00:00Z; status is
-- running, clean, broken or failed; the report is JSON.
CREATE TABLE reconciliation (
    id            BIGINT      NOT NULL PRIMARY KEY,
    business_date INT         NULL,
    status        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    finished_at   BIGINT      NULL,
    accounts      BIGINT      NOT NULL,
    postings      BIGINT      NOT NULL,
    breaks        BIGINT      NOT NULL,
    report        MEDIUMTEXT  NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Lanes as they closed a day that reconciled clean: where the next day's walk begins. Packed; the digest runs through chunks and
-- head, so that a change of either is noticed. Written by reconciliation alone, never to be edited.
CREATE TABLE reconciliation_snapshot (
    lane          SMALLINT   NOT NULL,
    business_date INT        NOT NULL,
    chunks        INT        NOT NULL,
    body          MEDIUMBLOB NOT NULL,
    digest        BINARY(32) NOT NULL,
    PRIMARY KEY (lane, business_date)
) ENGINE = InnoDB;

CREATE TABLE reconciliation_chunk (
    lane          SMALLINT   NOT NULL,
    business_date INT        NOT NULL,
    number        INT        NOT NULL,
    body          MEDIUMBLOB NOT NULL,
    digest        BINARY(32) NOT NULL,
    PRIMARY KEY (lane, business_date, number)
) ENGINE = InnoDB;

-- For people: the newest reconciliations.
CREATE VIEW v_reconciliation AS
SELECT
    CONCAT(DATE_FORMAT(TIMESTAMPADD(SECOND, id DIV 1000000, '1970-01-01'), '%Y-%m-%dT%H:%i:%s'), '.', LPAD(id MOD 1000000, 6, '0'), 'Z') AS started_at,
    DATE_ADD('1970-01-01', INTERVAL business_date DAY) AS business_date,
    status,
    (finished_at - id) DIV 1000 AS milliseconds,
    accounts,
    postings,
    breaks
FROM reconciliation
ORDER BY id DESC;
