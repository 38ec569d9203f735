-- id: duplicates
-- looks at: records, entries, balances, ledger, trial_balance, controls
-- proves: nothing is there twice: no record, no leg, no version of an account, no balance, no line of a journal, no account of the books, no total.
SELECT 'duplicates.record' AS check, concat('record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING)) AS subject,
       'once' AS expected, concat(CAST(count(*) AS STRING), ' times') AS found
FROM records GROUP BY lane, seq HAVING count(*) > 1
UNION ALL
SELECT 'duplicates.leg', concat('leg ', CAST(leg AS STRING), ' of record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING)),
       'once', concat(CAST(count(*) AS STRING), ' times')
FROM entries GROUP BY lane, seq, leg HAVING count(*) > 1
UNION ALL
SELECT 'duplicates.version', concat('account ', account, ', version ', CAST(version AS STRING)), 'once', concat(CAST(count(*) AS STRING), ' times')
FROM entries GROUP BY account, version HAVING count(*) > 1
UNION ALL
SELECT 'duplicates.balance', concat('account ', account, ', ', currency), 'once', concat(CAST(count(*) AS STRING), ' times')
FROM balances GROUP BY account, currency HAVING count(*) > 1
UNION ALL
SELECT 'duplicates.line', concat('line ', CAST(line AS STRING), ' of the journal of record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING)),
       'once', concat(CAST(count(*) AS STRING), ' times')
FROM ledger GROUP BY lane, seq, line HAVING count(*) > 1
UNION ALL
SELECT 'duplicates.ledger_account',
       concat('ledger account ', CAST(account AS STRING), ' ', coalesce(of_currency, ''), ', lane ', CAST(lane AS STRING), ', ', currency),
       'once', concat(CAST(count(*) AS STRING), ' times')
FROM trial_balance GROUP BY lane, account, of_currency, currency HAVING count(*) > 1
UNION ALL
SELECT 'duplicates.total', concat('lane ', CAST(lane AS STRING), ', ', currency), 'once', concat(CAST(count(*) AS STRING), ' times')
FROM controls GROUP BY lane, currency HAVING count(*) > 1
