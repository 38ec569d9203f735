-- id: balances
-- looks at: balances
-- proves: what an account began the day with and all of the day's entries make what it ended with, account by account and currency by currency; it began with what it ended the day before with.
SELECT 'balances.day' AS check, concat('account ', coalesce(b.account, e.account), ', ', coalesce(b.currency, e.currency)) AS subject,
       CAST(CAST(coalesce(b.opening_minor, 0) AS DECIMAL(38, 0)) + coalesce(e.moved, CAST(0 AS DECIMAL(38, 0))) AS STRING) AS expected,
       CAST(coalesce(b.closing_minor, 0) AS STRING) AS found
FROM balances b
FULL OUTER JOIN (
    SELECT account, currency, sum(CAST(amount_minor AS DECIMAL(28, 0))) AS moved FROM entries GROUP BY account, currency
) e ON e.account = b.account AND e.currency = b.currency
WHERE CAST(coalesce(b.opening_minor, 0) AS DECIMAL(38, 0)) + coalesce(e.moved, CAST(0 AS DECIMAL(38, 0))) <> coalesce(b.closing_minor, 0)
UNION ALL
SELECT 'balances.day_before', concat('account ', coalesce(b.account, p.account), ', ', coalesce(b.currency, p.currency)),
       CAST(coalesce(p.closing_minor, 0) AS STRING), CAST(coalesce(b.opening_minor, 0) AS STRING)
FROM balances b
FULL OUTER JOIN previous_balances p ON p.account = b.account AND p.currency = b.currency
CROSS JOIN day d
WHERE d.has_previous AND coalesce(p.closing_minor, 0) <> coalesce(b.opening_minor, 0)
