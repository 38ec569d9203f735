-- id: legs
-- looks at: entries
-- proves: no leg is zero, debits are below zero and credits above, no balance is below zero, every currency is known, and transfers move the same amount on both sides.
SELECT 'legs.amount' AS check,
       concat('account ', account, ', leg ', CAST(leg AS STRING), ' of record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING)) AS subject,
       CASE WHEN side = 'debit' THEN 'below zero' ELSE 'above zero' END AS expected, CAST(amount_minor AS STRING) AS found
FROM entries
WHERE amount_minor = 0 OR side NOT IN ('debit', 'credit') OR (side = 'debit') <> (amount_minor < 0)
UNION ALL
SELECT 'legs.balance', concat('account ', account, ', record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING)),
       'zero or more', CAST(balance_after_minor AS STRING)
FROM entries
WHERE balance_after_minor < 0
UNION ALL
SELECT 'legs.balance', concat('account ', account, ', ', currency), 'zero or more', CAST(closing_minor AS STRING)
FROM balances
WHERE closing_minor < 0 OR opening_minor < 0
UNION ALL
SELECT 'legs.currency', concat('record ', CAST(e.seq AS STRING), ' of lane ', CAST(e.lane AS STRING)), 'a currency of the manifest', e.currency
FROM entries e
LEFT JOIN currencies c ON c.code = e.currency
WHERE c.code IS NULL
UNION ALL
SELECT 'legs.transfer', concat('record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING)), '0',
       CAST(sum(CAST(amount_minor AS DECIMAL(28, 0))) AS STRING)
FROM entries
WHERE kind = 'transferred'
GROUP BY lane, seq
HAVING sum(CAST(amount_minor AS DECIMAL(28, 0))) <> 0 OR count(*) <> 2 OR count(DISTINCT currency) <> 1
UNION ALL
SELECT 'legs.ledger', concat('line ', CAST(line AS STRING), ' of the journal of record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING)),
       'above zero', concat(side, ' ', CAST(amount_minor AS STRING))
FROM ledger
WHERE amount_minor <= 0 OR side NOT IN ('debit', 'credit')
