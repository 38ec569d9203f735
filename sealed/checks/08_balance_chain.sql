-- id: balance_chain
-- looks at: entries
-- proves: each entry's balance is the one before it plus its amount, from what the account began the day with to what it ended with.
SELECT 'balance_chain.step' AS check,
       concat('account ', account, ', ', currency, ', record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING)) AS subject,
       CAST(before_minor + amount_minor AS STRING) AS expected, CAST(balance_after_minor AS STRING) AS found
FROM (
    SELECT e.account, e.currency, e.lane, e.seq, e.amount_minor, e.balance_after_minor,
           coalesce(lag(e.balance_after_minor) OVER (PARTITION BY e.account, e.currency ORDER BY e.version), b.opening_minor, 0) AS before_minor
    FROM entries e
    LEFT JOIN balances b ON b.account = e.account AND b.currency = e.currency
) c
WHERE balance_after_minor <> before_minor + amount_minor
UNION ALL
SELECT 'balance_chain.end', concat('account ', l.account, ', ', l.currency),
       CAST(l.balance_after_minor AS STRING), CAST(coalesce(b.closing_minor, 0) AS STRING)
FROM (
    SELECT e.account, e.currency, e.balance_after_minor
    FROM entries e
    JOIN (SELECT account, currency, max(version) AS version FROM entries GROUP BY account, currency) m
      ON m.account = e.account AND m.currency = e.currency AND m.version = e.version
) l
LEFT JOIN balances b ON b.account = l.account AND b.currency = l.currency
WHERE l.balance_after_minor <> coalesce(b.closing_minor, 0)
