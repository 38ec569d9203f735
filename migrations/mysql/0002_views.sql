-- A row a balance, in minor units: SELECT currency, SUM(amount_minor) FROM balance GROUP BY currency.
CREATE VIEW balance AS
SELECT
    b.account AS account,
    CAST(b.currency AS CHAR(3) CHARACTER SET ascii) COLLATE ascii_bin AS currency,
    b.amount_minor AS amount_minor,
    b.version AS version,
    h.customer AS customer
FROM holding h
JOIN JSON_TABLE(h.balances, '$[*]' COLUMNS (
    account      BIGINT  PATH '$[0]',
    currency     CHAR(3) PATH '$[1]',
    amount_minor BIGINT  PATH '$[2]',
    version      BIGINT  PATH '$[3]'
)) AS b;

-- For people: SELECT * FROM v_balance WHERE customer_id = 'cus_0008000000001'. Amounts are exact decimals as text.
CREATE VIEW v_balance AS
SELECT
    CONCAT('acc_',
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 60) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 55) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 50) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 45) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 40) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 35) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 30) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 25) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 20) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 15) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 10) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 5) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((b.account >> 0) & 31) + 1, 1)) AS account_id,
    CONCAT('cus_',
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 60) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 55) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 50) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 45) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 40) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 35) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 30) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 25) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 20) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 15) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 10) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 5) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((a.customer >> 0) & 31) + 1, 1)) AS customer_id,
    a.kind AS kind,
    b.currency AS currency,
    CASE WHEN c.minor_digits = 0 THEN CAST(b.amount_minor AS CHAR)
         ELSE CONCAT(CASE WHEN b.amount_minor < 0 THEN '-' ELSE '' END, ABS(b.amount_minor) DIV c.minor_per_unit, '.',
                     LPAD(ABS(b.amount_minor) MOD c.minor_per_unit, c.minor_digits, '0')) END AS amount,
    b.version AS version
FROM balance b
JOIN account a ON a.id = b.account
JOIN currency c ON c.code = b.currency;

CREATE VIEW v_journal AS
SELECT
    id >> 48 AS lane,
    id & 281474976710655 AS seq,
    kind,
    JSON_UNQUOTE(JSON_EXTRACT(body, '$.at')) AS at,
    JSON_UNQUOTE(JSON_EXTRACT(body, '$.business_date')) AS business_date,
    JSON_UNQUOTE(JSON_EXTRACT(body, '$.caller')) AS caller,
    LOWER(HEX(key_digest)) AS key_digest,
    LOWER(HEX(used_once)) AS used_once,
    body,
    LOWER(HEX(hash)) AS hash
FROM journal;

-- Postings straight from the journal's texts: a row a leg, debits negative.
CREATE VIEW v_posting AS
SELECT
    j.id >> 48 AS lane,
    j.id & 281474976710655 AS seq,
    j.kind AS kind,
    'debit' AS side,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.at')) AS at,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.business_date')) AS business_date,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.debit.account')) AS account_id,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.debit.customer')) AS customer_id,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.debit.currency')) AS currency,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.debit.amount')) AS amount,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.debit.balance_after')) AS balance_after,
    JSON_EXTRACT(j.body, '$.debit.version') AS version
FROM journal j
WHERE JSON_TYPE(JSON_EXTRACT(j.body, '$.debit')) = 'OBJECT'
UNION ALL
SELECT
    j.id >> 48 AS lane,
    j.id & 281474976710655 AS seq,
    j.kind AS kind,
    'credit' AS side,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.at')) AS at,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.business_date')) AS business_date,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.credit.account')) AS account_id,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.credit.customer')) AS customer_id,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.credit.currency')) AS currency,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.credit.amount')) AS amount,
    JSON_UNQUOTE(JSON_EXTRACT(j.body, '$.credit.balance_after')) AS balance_after,
    JSON_EXTRACT(j.body, '$.credit.version') AS version
FROM journal j
WHERE JSON_TYPE(JSON_EXTRACT(j.body, '$.credit')) = 'OBJECT';

-- Money that belongs to no customer's account until somebody decides: what came back to an account that was closed.
CREATE VIEW v_suspense AS
SELECT
    id >> 48 AS lane,
    id & 281474976710655 AS seq,
    JSON_UNQUOTE(JSON_EXTRACT(body, '$.at')) AS at,
    JSON_UNQUOTE(JSON_EXTRACT(body, '$.business_date')) AS business_date,
    JSON_UNQUOTE(JSON_EXTRACT(body, '$.reversal')) AS reversal_id,
    JSON_UNQUOTE(JSON_EXTRACT(body, '$.exchange')) AS exchange_id,
    JSON_UNQUOTE(JSON_EXTRACT(body, '$.suspense.currency')) AS currency,
    JSON_UNQUOTE(JSON_EXTRACT(body, '$.suspense.amount')) AS amount
FROM journal
WHERE kind = 'reversed' AND JSON_TYPE(JSON_EXTRACT(body, '$.suspense')) = 'OBJECT';

-- The passbook of an account, as far as it is projected: SELECT * FROM v_passbook WHERE account_id = '…' ORDER BY version.
CREATE VIEW v_passbook AS
SELECT
    CONCAT('acc_',
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((p.account >> 60) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((p.account >> 55) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((p.account >> 50) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((p.account >> 45) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((p.account >> 40) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((p.account >> 35) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((p.account >> 30) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((p.account >> 25) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((p.account >> 20) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((p.account >> 15) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((p.account >> 10) & 31) + 1, 1), SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((p.account >> 5) & 31) + 1, 1),
        SUBSTR('0123456789abcdefghjkmnpqrstvwxyz', ((p.account >> 0) & 31) + 1, 1)) AS account_id,
    p.version AS version,
    p.record >> 48 AS lane,
    p.record & 281474976710655 AS seq,
    CASE p.kind WHEN 1 THEN 'exchange' WHEN 2 THEN 'deposit' WHEN 3 THEN 'withdrawal' WHEN 4 THEN 'transfer' ELSE 'reversal' END AS kind,
    p.currency AS currency,
    CASE WHEN c.minor_digits = 0 THEN CAST(p.amount_minor AS CHAR)
         ELSE CONCAT(CASE WHEN p.amount_minor < 0 THEN '-' ELSE '' END, ABS(p.amount_minor) DIV c.minor_per_unit, '.',
                     LPAD(ABS(p.amount_minor) MOD c.minor_per_unit, c.minor_digits, '0')) END AS amount,
    CASE WHEN c.minor_digits = 0 THEN CAST(p.balance_minor AS CHAR)
         ELSE CONCAT(CASE WHEN p.balance_minor < 0 THEN '-' ELSE '' END, ABS(p.balance_minor) DIV c.minor_per_unit, '.',
                     LPAD(ABS(p.balance_minor) MOD c.minor_per_unit, c.minor_digits, '0')) END AS balance_after,
    DATE_ADD('1970-01-01', INTERVAL p.business_date DAY) AS business_date
FROM passbook p
JOIN currency c ON c.code = p.currency;
