-- What an exchange touches, with the content of hwan's own store. Journal, passbook and openings of days are hwan's tables, but
-- that the journal's id comes from the server, since nothing here orders the exchanges of a lane. What hwan keeps in one row a
-- customer stands here as everybody has it: a row a balance, and a row of what is used of the limits.
CREATE TABLE journal (
    id            BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    kind          VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    customer      BIGINT        NULL,
    key_digest    BINARY(16)    NULL,
    used_once     BINARY(16)    NULL,
    at            BIGINT        NOT NULL,
    business_date INT           NOT NULL,
    body          MEDIUMTEXT    NOT NULL,
    hash          BINARY(32)    NOT NULL,
    UNIQUE KEY journal_key (key_digest),
    UNIQUE KEY journal_used_once (used_once)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE limit_use (
    customer   BIGINT NOT NULL PRIMARY KEY,
    charged_at BIGINT NOT NULL,
    day_won    BIGINT NOT NULL,
    month_won  BIGINT NOT NULL
) ENGINE = InnoDB;

CREATE TABLE balance (
    account      BIGINT  NOT NULL,
    currency     CHAR(3) NOT NULL,
    amount_minor BIGINT  NOT NULL,
    version      BIGINT  NOT NULL,
    -- The business date of the newest posting: whether the next one opens a day is known under the row's lock.
    last_date    INT     NOT NULL,
    PRIMARY KEY (account, currency),
    CONSTRAINT balance_not_negative CHECK (amount_minor >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE passbook (
    account       BIGINT  NOT NULL,
    version       BIGINT  NOT NULL,
    record        BIGINT  NOT NULL,
    kind          TINYINT NOT NULL,
    currency      CHAR(3) NOT NULL,
    amount_minor  BIGINT  NOT NULL,
    balance_minor BIGINT  NOT NULL,
    at            BIGINT  NOT NULL,
    business_date INT     NOT NULL,
    PRIMARY KEY (account, version)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE daily_opening (
    account       BIGINT  NOT NULL,
    currency      CHAR(3) NOT NULL,
    business_date INT     NOT NULL,
    amount_minor  BIGINT  NOT NULL,
    PRIMARY KEY (account, currency, business_date)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
