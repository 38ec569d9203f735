-- Kind 7 of a journal: interest.
CREATE OR REPLACE VIEW v_entry AS
SELECT
    j.id >> 48 AS lane,
    j.id & 281474976710655 AS seq,
    e.line AS line,
    CASE j.kind WHEN 1 THEN 'deposit' WHEN 2 THEN 'withdrawal' WHEN 3 THEN 'transfer' WHEN 4 THEN 'exchange'
                WHEN 5 THEN 'reversal' WHEN 6 THEN 'cover' ELSE 'interest' END AS kind,
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
