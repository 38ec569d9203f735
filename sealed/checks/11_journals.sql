-- id: journals
-- looks at: ledger
-- proves: every journal of the books balances in each currency, and moves the control accounts by exactly what its record moved on customers' accounts.
SELECT 'journals.balance' AS check,
       concat('journal of record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING), ', ', currency) AS subject,
       concat('debit ', CAST(sum(CASE WHEN side = 'debit' THEN CAST(amount_minor AS DECIMAL(28, 0)) ELSE CAST(0 AS DECIMAL(28, 0)) END) AS STRING)) AS expected,
       concat('credit ', CAST(sum(CASE WHEN side = 'debit' THEN CAST(0 AS DECIMAL(28, 0)) ELSE CAST(amount_minor AS DECIMAL(28, 0)) END) AS STRING)) AS found
FROM ledger
GROUP BY lane, seq, currency
HAVING sum(CASE WHEN side = 'debit' THEN CAST(amount_minor AS DECIMAL(28, 0)) ELSE CAST(-amount_minor AS DECIMAL(28, 0)) END) <> 0
UNION ALL
SELECT 'journals.control',
       concat('record ', CAST(coalesce(e.seq, l.seq) AS STRING), ' of lane ', CAST(coalesce(e.lane, l.lane) AS STRING), ', ', coalesce(e.currency, l.currency)),
       CAST(coalesce(e.moved, CAST(0 AS DECIMAL(38, 0))) AS STRING), CAST(coalesce(l.moved, CAST(0 AS DECIMAL(38, 0))) AS STRING)
FROM (
    SELECT lane, seq, currency, CAST(sum(CAST(amount_minor AS DECIMAL(28, 0))) AS DECIMAL(38, 0)) AS moved FROM entries GROUP BY lane, seq, currency
) e
FULL OUTER JOIN (
    SELECT lane, seq, currency,
           CAST(sum(CASE WHEN side = 'credit' THEN CAST(amount_minor AS DECIMAL(28, 0)) ELSE CAST(-amount_minor AS DECIMAL(28, 0)) END) AS DECIMAL(38, 0)) AS moved
    FROM ledger WHERE role IN ('won_deposits', 'foreign_deposits') GROUP BY lane, seq, currency
) l ON l.lane = e.lane AND l.seq = e.seq AND l.currency = e.currency
CROSS JOIN day d
WHERE d.has_books AND coalesce(e.moved, CAST(0 AS DECIMAL(38, 0))) <> coalesce(l.moved, CAST(0 AS DECIMAL(38, 0)))
