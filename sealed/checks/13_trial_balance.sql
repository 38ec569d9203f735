-- id: trial_balance
-- looks at: trial_balance
-- proves: all accounts of the books balance in each currency, and each stands where it stood the day before plus the day's journals.
SELECT 'trial_balance.sides' AS check, concat('lane ', CAST(lane AS STRING), ', ', currency) AS subject,
       concat('debit ', CAST(sum(CAST(debit_minor AS DECIMAL(28, 0))) AS STRING)) AS expected,
       concat('credit ', CAST(sum(CAST(credit_minor AS DECIMAL(28, 0))) AS STRING)) AS found
FROM trial_balance
GROUP BY lane, currency
HAVING sum(CAST(debit_minor AS DECIMAL(28, 0))) <> sum(CAST(credit_minor AS DECIMAL(28, 0)))
UNION ALL
SELECT 'trial_balance.day',
       concat('ledger account ', CAST(m.account AS STRING), CASE WHEN m.of_currency = '' THEN '' ELSE concat(' of ', m.of_currency) END,
              ', lane ', CAST(m.lane AS STRING), ', ', m.currency),
       CAST(sum(m.expected) AS STRING), CAST(sum(m.found) AS STRING)
FROM (
    SELECT lane, account, coalesce(of_currency, '') AS of_currency, currency, CAST(0 AS DECIMAL(28, 0)) AS expected,
           CAST(debit_minor - credit_minor AS DECIMAL(28, 0)) AS found
    FROM trial_balance
    UNION ALL
    SELECT lane, account, coalesce(of_currency, ''), currency, CAST(debit_minor - credit_minor AS DECIMAL(28, 0)), CAST(0 AS DECIMAL(28, 0))
    FROM previous_trial_balance
    UNION ALL
    SELECT lane, account, coalesce(of_currency, ''), currency,
           CASE WHEN side = 'debit' THEN CAST(amount_minor AS DECIMAL(28, 0)) ELSE CAST(-amount_minor AS DECIMAL(28, 0)) END, CAST(0 AS DECIMAL(28, 0))
    FROM ledger
) m
CROSS JOIN day d
WHERE d.has_previous OR d.is_first
GROUP BY m.lane, m.account, m.of_currency, m.currency
HAVING sum(m.expected) <> sum(m.found)
