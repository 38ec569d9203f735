-- id: controls
-- looks at: controls
-- proves: all accounts of a lane together hold what the lane carried forward by itself, and what the books' control accounts stand at, currency by currency.
SELECT 'controls.accounts' AS check, concat('lane ', CAST(coalesce(c.lane, b.lane) AS STRING), ', ', coalesce(c.currency, b.currency)) AS subject,
       CAST(coalesce(c.total_minor, CAST(0 AS DECIMAL(38, 0))) AS STRING) AS expected,
       CAST(coalesce(b.held, CAST(0 AS DECIMAL(38, 0))) AS STRING) AS found
FROM controls c
FULL OUTER JOIN (
    SELECT lane, currency, CAST(sum(CAST(closing_minor AS DECIMAL(28, 0))) AS DECIMAL(38, 0)) AS held FROM balances GROUP BY lane, currency
) b ON b.lane = c.lane AND b.currency = c.currency
WHERE coalesce(c.total_minor, CAST(0 AS DECIMAL(38, 0))) <> coalesce(b.held, CAST(0 AS DECIMAL(38, 0)))
UNION ALL
SELECT 'controls.ledger', concat('lane ', CAST(coalesce(c.lane, t.lane) AS STRING), ', ', coalesce(c.currency, t.currency)),
       CAST(coalesce(c.total_minor, CAST(0 AS DECIMAL(38, 0))) AS STRING),
       CAST(coalesce(t.owed, CAST(0 AS DECIMAL(38, 0))) AS STRING)
FROM controls c
FULL OUTER JOIN (
    SELECT lane, currency, CAST(sum(CAST(credit_minor - debit_minor AS DECIMAL(28, 0))) AS DECIMAL(38, 0)) AS owed
    FROM trial_balance WHERE role IN ('won_deposits', 'foreign_deposits') GROUP BY lane, currency
) t ON t.lane = c.lane AND t.currency = c.currency
CROSS JOIN day d
WHERE d.has_books AND coalesce(c.total_minor, CAST(0 AS DECIMAL(38, 0))) <> coalesce(t.owed, CAST(0 AS DECIMAL(38, 0)))
UNION ALL
SELECT 'controls.manifest', concat('lane ', CAST(coalesce(c.lane, m.lane) AS STRING), ', ', coalesce(c.currency, m.currency)),
       coalesce(m.total_minor, '0'), CAST(coalesce(c.total_minor, CAST(0 AS DECIMAL(38, 0))) AS STRING)
FROM controls c
FULL OUTER JOIN lane_totals m ON m.lane = c.lane AND m.currency = c.currency
WHERE coalesce(m.total_minor, '0') <> CAST(coalesce(c.total_minor, CAST(0 AS DECIMAL(38, 0))) AS STRING)
