-- The store of record on MySQL (8.4, 9) and MariaDB (10.11). A packed position is (lane << 48) | seq; instants are microseconds
-- since 1970-01-01T00:00:00Z, business dates days since 1970-01-01, amounts whole minor units of their currency. For people
-- there are the views at the end, with decimals and dates as text: grant them to whoever has to look.
--
-- Only what MySQL and MariaDB both understand. No foreign keys: the journal is the truth, and each key would cost a lookup a
-- row. Every table is ordered by what it grows or is read by; an index beside the primary key says what it is for.

-- What the amounts are counted in. Rows are added, never changed: an amount of minor units means what it meant.
CREATE TABLE currency (
    code           CHAR(3)         NOT NULL PRIMARY KEY,
    minor_digits   TINYINT         NOT NULL,
    minor_per_unit BIGINT          NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- Where each lane stands, the epoch whose owner may move it, and who that is: its process, and the server and connection by
-- which it commits, so that a new owner can end a transaction that the old one left open.
CREATE TABLE lane (
    id          SMALLINT        NOT NULL PRIMARY KEY,
    epoch       BIGINT          NOT NULL,
    seq         BIGINT          NOT NULL,
    hash        BINARY(32)      NOT NULL,
    last_at     BIGINT          NULL,
    last_date   INT             NULL,
    owner       VARCHAR(190)    NOT NULL DEFAULT '',
    server      VARCHAR(190)    NOT NULL DEFAULT '',
    connection  BIGINT          NOT NULL DEFAULT 0,
    lease_until DATETIME(6)     NOT NULL DEFAULT '1970-01-01 00:00:00'
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- The truth: a row a record, appended lane by lane. Idempotency entry and outbox message at once.
CREATE TABLE journal (
    id            BIGINT        NOT NULL PRIMARY KEY,
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

-- The values that the journal leaves behind, written in its commits.
CREATE TABLE customer (
    id        BIGINT       NOT NULL PRIMARY KEY,
    channel   VARCHAR(255) NOT NULL,
    reference VARCHAR(255) NULL,
    facts     MEDIUMTEXT   NULL,
    -- Lists: a channel's customers in the order of their opening, and by the bank's own name for them.
    KEY customer_channel (channel, id),
    KEY customer_reference (reference)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a customer holds: what is used of the limits, and every balance of every account, as [account, currency, minor units,
-- version], in one row, since an exchange changes two balances and the limits at once. The view `balance` has a row each.
CREATE TABLE holding (
    customer   BIGINT     NOT NULL PRIMARY KEY,
    charged_at BIGINT     NOT NULL,
    day_won    BIGINT     NOT NULL,
    month_won  BIGINT     NOT NULL,
    balances   MEDIUMTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE account (
    id           BIGINT      NOT NULL PRIMARY KEY,
    customer     BIGINT      NOT NULL,
    kind         VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    facts        MEDIUMTEXT  NULL,
    limited_date INT         NULL,
    limited_won  BIGINT      NULL,
    -- Hydration: a customer with all of its accounts.
    KEY account_customer (customer)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE round (
    currency           CHAR(3)     NOT NULL,
    business_date      INT         NOT NULL,
    number             INT         NOT NULL,
    mid                VARCHAR(64) NOT NULL,
    unit               INT         NOT NULL,
    spread             VARCHAR(64) NOT NULL,
    preference_percent VARCHAR(64) NOT NULL,
    published_at       BIGINT      NOT NULL,
    valid_until        BIGINT      NOT NULL,
    status             VARCHAR(16) NOT NULL,
    PRIMARY KEY (currency, business_date, number)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE pair_halt (
    currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    halted_by VARCHAR(255) NOT NULL,
    reason   TEXT         NOT NULL,
    since    BIGINT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The projections: they follow the journal of each lane, by its seq, and can be built again from it.
CREATE TABLE projection (
    lane       SMALLINT NOT NULL PRIMARY KEY,
    epoch      BIGINT   NOT NULL,
    seq        BIGINT   NOT NULL,
    connection BIGINT   NOT NULL DEFAULT 0
) ENGINE = InnoDB;

-- kind: 1 exchange, 2 deposit, 3 withdrawal, 4 transfer, 5 reversal.
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

-- With what a day began, for each account and currency that had a posting on it: written at the day's first posting and never
-- again. So an account closed day D with the opening of its first later day here, or, without one, with what it holds.
CREATE TABLE daily_opening (
    account       BIGINT  NOT NULL,
    currency      CHAR(3) NOT NULL,
    business_date INT     NOT NULL,
    amount_minor  BIGINT  NOT NULL,
    PRIMARY KEY (account, currency, business_date)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- Retention: how far each lane's journal is sealed and exported, where it begins since older rows were deleted (seq and hash
-- of the last deleted record: the chain verifies from there), and up to where idempotency keys have expired.
CREATE TABLE checkpoint (
    lane           SMALLINT   NOT NULL PRIMARY KEY,
    sealed_seq     BIGINT     NOT NULL DEFAULT 0,
    begins_seq     BIGINT     NOT NULL DEFAULT 0,
    begins_hash    BINARY(32) NOT NULL,
    keys_until_seq BIGINT     NOT NULL DEFAULT 0
) ENGINE = InnoDB;
