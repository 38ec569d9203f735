-- What the watch found. The id is made of rule, subject and place: found again, it is the same row. severity: 0 info, 1 warning,
-- 2 critical; state: 0 open, 1 acknowledged, 2 resolved. at: when it happened; first_seen, last_seen: when it was found. record: the
-- packed position that shows it. published_at: when Kafka took it, where alerts go there.
CREATE TABLE alert (
    id                VARCHAR(96)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    rule              VARCHAR(48)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    severity          TINYINT       NOT NULL,
    state             TINYINT       NOT NULL DEFAULT 0,
    subject_kind      VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject           VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    expected          VARCHAR(1024) NOT NULL,
    found             VARCHAR(1024) NOT NULL,
    record            BIGINT,
    account           BIGINT,
    pair              CHAR(3)       CHARACTER SET ascii COLLATE ascii_bin,
    at                BIGINT        NOT NULL,
    first_seen        BIGINT        NOT NULL,
    last_seen         BIGINT        NOT NULL,
    times_seen        BIGINT        NOT NULL DEFAULT 1,
    times_reopened    BIGINT        NOT NULL DEFAULT 0,
    acknowledged_at   BIGINT,
    acknowledged_by   VARCHAR(255),
    acknowledged_note VARCHAR(2048),
    resolved_at       BIGINT,
    resolved_by       VARCHAR(255),
    resolved_note     VARCHAR(2048),
    published_at      BIGINT,
    KEY alert_by_time (first_seen, id),
    KEY alert_unpublished (published_at, first_seen)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Where the watch of each lane stands: the newest whole generation of its state, and how many parts that has. digest: SHA-256 of the
-- parts together. Parts of another generation are leavings.
CREATE TABLE watch_state (
    lane        SMALLINT   NOT NULL PRIMARY KEY,
    generation  BIGINT     NOT NULL,
    seq         BIGINT     NOT NULL,
    hash        BINARY(32) NOT NULL,
    next_offset BIGINT,
    parts       INT        NOT NULL,
    digest      BINARY(32) NOT NULL
) ENGINE = InnoDB;

CREATE TABLE watch_part (
    lane       SMALLINT   NOT NULL,
    generation BIGINT     NOT NULL,
    part       INT        NOT NULL,
    body       MEDIUMBLOB NOT NULL,
    PRIMARY KEY (lane, generation, part)
) ENGINE = InnoDB;
