-- id: entries_from_records
-- looks at: entries
-- proves: every entry stands word for word in its record's text: account, customer, side, currency, amount, balance afterwards, version.
WITH sized AS (
    SELECT e.lane, e.seq, e.leg, e.kind, e.side, e.account, e.customer, e.currency, e.version, c.minor_digits,
           CASE WHEN e.amount_minor < 0 THEN '-' ELSE '' END AS sign, e.balance_after_minor,
           lpad(CAST(abs(e.amount_minor) AS STRING),
                CAST(greatest(length(CAST(abs(e.amount_minor) AS STRING)), c.minor_digits + 1) AS INT), '0') AS digits,
           lpad(CAST(abs(e.balance_after_minor) AS STRING),
                CAST(greatest(length(CAST(abs(e.balance_after_minor) AS STRING)), c.minor_digits + 1) AS INT), '0') AS after_digits
    FROM entries e
    LEFT JOIN currencies c ON c.code = e.currency
), written AS (
    SELECT lane, seq, leg, kind, account,
           concat('"', side, '":{"account":"', account, '","customer":"', customer, '","currency":"', currency, '","amount":"', sign,
                  CASE WHEN minor_digits = 0 THEN digits
                       ELSE concat(left(digits, length(digits) - minor_digits), '.', right(digits, minor_digits)) END,
                  '","balance_after":"', CASE WHEN balance_after_minor < 0 THEN '-' ELSE '' END,
                  CASE WHEN minor_digits = 0 THEN after_digits
                       ELSE concat(left(after_digits, length(after_digits) - minor_digits), '.', right(after_digits, minor_digits)) END,
                  '","version":', CAST(version AS STRING), '}') AS leg_text
    FROM sized
)
SELECT 'entries_from_records' AS check,
       concat('account ', w.account, ', leg ', CAST(w.leg AS STRING), ' of record ', CAST(w.seq AS STRING), ' of lane ', CAST(w.lane AS STRING)) AS subject,
       w.leg_text AS expected,
       CASE WHEN r.seq IS NULL THEN 'no record'
            WHEN r.kind <> w.kind THEN concat('a record of kind ', r.kind)
            ELSE 'a record that does not say so' END AS found
FROM written w
LEFT JOIN records r ON r.lane = w.lane AND r.seq = w.seq
WHERE r.seq IS NULL OR r.kind <> w.kind OR w.leg_text IS NULL OR instr(r.body, w.leg_text) = 0
