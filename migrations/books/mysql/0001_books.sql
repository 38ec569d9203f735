-- The bank's own books, in a database of their own. A packed position is (lane << 48) | seq; instants are microseconds since
-- 1970-01-01T00:00:00Z, business dates days since 1970-01-01, amounts whole minor units of their currency. For people there are the
-- views at the end.
--
-- Only what MySQL and MariaDB both understand. No foreign keys: each would cost a lookup a row.

-- What the amounts are counted in. Rows are added, never changed.
CREATE TABLE currency (
    code           CHAR(3)         NOT NULL PRIMARY KEY,
    minor_digits   TINYINT         NOT NULL,
    minor_per_unit BIGINT          NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- The chart of accounts by which the books are kept. A role keeps its number for good.
CREATE TABLE chart (
    account INT          NOT NULL PRIMARY KEY,
    name    VARCHAR(255) NOT NULL,
    class   VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    role    VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Where each lane's books stand: moved first in every step, and only from where they stood. The revision is bumped by every change
-- beside the steps. next_offset: of the next message, where the records come as messages.
CREATE TABLE lane_cursor (
    lane          SMALLINT   NOT NULL PRIMARY KEY,
    seq           BIGINT     NOT NULL,
    hash          BINARY(32) NOT NULL,
    at            BIGINT     NULL,
    business_date INT        NULL,
    next_offset   BIGINT     NULL,
    revision      BIGINT     NOT NULL DEFAULT 0,
    stopped       TEXT       NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A journal a record that moved money; its entries packed: [account, currency of the account or "", "D" or "C", currency, minor
-- units]. kind: 1 deposit, 2 withdrawal, 3 transfer, 4 exchange, 5 reversal, 6 cover.
CREATE TABLE journal (
    id            BIGINT        NOT NULL PRIMARY KEY,
    kind          TINYINT       NOT NULL,
    at            BIGINT        NOT NULL,
    business_date INT           NOT NULL,
    reference     TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    entries       VARCHAR(2000) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- What each account was debited and credited on a business date, lane by lane; of_currency is '' where there is one for all.
CREATE TABLE turnover (
    lane          SMALLINT NOT NULL,
    business_date INT      NOT NULL,
    account       INT      NOT NULL,
    of_currency   CHAR(3)  NOT NULL,
    currency      CHAR(3)  NOT NULL,
    debit_minor   BIGINT   NOT NULL,
    credit_minor  BIGINT   NOT NULL,
    PRIMARY KEY (lane, business_date, account, of_currency)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- With which record each business date began in each lane: a day's journals are a range.
CREATE TABLE ledger_day (
    lane          SMALLINT NOT NULL,
    business_date INT      NOT NULL,
    first_seq     BIGINT   NOT NULL,
    PRIMARY KEY (lane, business_date)
) ENGINE = InnoDB;

-- The hashes of every record that was taken, a row a step, 32 bytes each: a record that comes again must have its own.
CREATE TABLE trail (
    lane      SMALLINT   NOT NULL,
    last_seq  BIGINT     NOT NULL,
    first_seq BIGINT     NOT NULL,
    hashes    MEDIUMBLOB NOT NULL,
    PRIMARY KEY (lane, last_seq)
) ENGINE = InnoDB;

-- What could not be posted. kind: 1 a record in its place, 2 a message that is no record of the lane. message_offset is -1 where
-- it came as none.
CREATE TABLE dead_letter (
    position       BIGINT     NOT NULL,
    kind           TINYINT    NOT NULL,
    message_offset BIGINT     NOT NULL,
    reason         TEXT       NOT NULL,
    since          BIGINT     NOT NULL,
    body           MEDIUMBLOB NOT NULL,
    redelivered_at BIGINT     NULL,
    PRIMARY KEY (position, kind, message_offset),
    -- What is open, by place: it is counted whenever a lane's books are looked at.
    KEY dead_letter_open (redelivered_at, position)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- For people: a row an entry. SELECT * FROM v_entry WHERE lane = 1 AND seq = 7.
CREATE VIEW v_entry AS
SELECT
    j.id >> 48 AS lane,
    j.id & 281474976710655 AS seq,
    e.line AS line,
    CASE j.kind WHEN 1 THEN 'deposit' WHEN 2 THEN 'withdrawal' WHEN 3 THEN 'transfer' WHEN 4 THEN 'exchange'
                WHEN 5 THEN 'reversal' ELSE 'cover' END AS kind,
    j.reference AS reference,
    DATE_FORMAT(DATE_ADD('1970-01-01 00:00:00', INTERVAL j.at MICROSECOND), '%Y-%m-%dT%H:%i:%s.%fZ') AS at,
    DATE_ADD('1970-01-01', INTERVAL j.business_date DAY) AS business_date,
    e.account AS account,
    e.of_currency AS of_currency,
    c.name AS name,
    CASE e.side WHEN 'D' THEN 'debit' ELSE 'credit' END AS side,
    m.code AS currency,
    CASE WHEN m.minor_digits = 0 THEN CAST(e.amount_minor AS CHAR)
         ELSE CONCAT(e.amount_minor DIV m.minor_per_unit, '.', LPAD(e.amount_minor MOD m.minor_per_unit, m.minor_digits, '0')) END
         AS amount
FROM journal j
JOIN JSON_TABLE(j.entries, '$[*]' COLUMNS (
    line         FOR ORDINALITY,
    account      INT     PATH '$[0]',
    of_currency  CHAR(3) PATH '$[1]',
    side         CHAR(1) PATH '$[2]',
    currency     CHAR(3) PATH '$[3]',
    amount_minor BIGINT  PATH '$[4]'
)) AS e
JOIN chart c ON c.account = e.account
JOIN currency m ON m.code = CAST(e.currency AS CHAR(3) CHARACTER SET ascii) COLLATE ascii_bin;

-- For people: what every account was debited and credited each day, over all lanes, in minor units.
CREATE VIEW v_turnover AS
SELECT
    DATE_ADD('1970-01-01', INTERVAL t.business_date DAY) AS business_date,
    t.account AS account,
    t.of_currency AS of_currency,
    c.name AS name,
    t.currency AS currency,
    SUM(t.debit_minor) AS debit_minor,
    SUM(t.credit_minor) AS credit_minor
FROM turnover t
JOIN chart c ON c.account = t.account
GROUP BY t.business_date, t.account, t.of_currency, c.name, t.currency;

-- For people: the trial balance of everything that is posted, in minor units.
CREATE VIEW v_trial_balance AS
SELECT
    t.account AS account,
    t.of_currency AS of_currency,
    c.name AS name,
    t.currency AS currency,
    SUM(t.debit_minor) AS debit_minor,
    SUM(t.credit_minor) AS credit_minor,
    SUM(t.debit_minor) - SUM(t.credit_minor) AS debit_balance_minor
FROM turnover t
JOIN chart c ON c.account = t.account
GROUP BY t.account, t.of_currency, c.name, t.currency;
