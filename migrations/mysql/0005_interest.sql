-- The last business date for which interest was paid on the account; NULL before the first payment: interest counts from the day
-- of opening then. That no day is paid for twice, the journal's used_once guards.
ALTER TABLE account ADD COLUMN paid_through INT NULL;

-- Kind 6 of the passbook: interest.
-- The passbook of an account, as far as it is projected: SELECT * FROM v_passbook WHERE account_id = '…' ORDER BY version.
CREATE OR REPLACE VIEW v_passbook AS
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
    CASE p.kind WHEN 1 THEN 'exchange' WHEN 2 THEN 'deposit' WHEN 3 THEN 'withdrawal' WHEN 4 THEN 'transfer' WHEN 5 THEN 'reversal'
                ELSE 'interest' END AS kind,
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
