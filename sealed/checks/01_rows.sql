-- id: rows
-- looks at: files
-- proves: every table has, in every lane, as many rows as the manifest says: no file is missing, cut short, or there twice.
SELECT 'rows' AS check, concat(f.table_name, ' of lane ', CAST(f.lane AS STRING)) AS subject,
       CAST(f.row_count AS STRING) AS expected, CAST(coalesce(c.row_count, 0) AS STRING) AS found
FROM files f
LEFT JOIN (
    SELECT 'records' AS table_name, lane, count(*) AS row_count FROM records GROUP BY lane
    UNION ALL SELECT 'entries', lane, count(*) FROM entries GROUP BY lane
    UNION ALL SELECT 'balances', lane, count(*) FROM balances GROUP BY lane
    UNION ALL SELECT 'ledger', lane, count(*) FROM ledger GROUP BY lane
    UNION ALL SELECT 'trial_balance', lane, count(*) FROM trial_balance GROUP BY lane
    UNION ALL SELECT 'controls', lane, count(*) FROM controls GROUP BY lane
) c ON c.table_name = f.table_name AND c.lane = f.lane
WHERE f.row_count <> coalesce(c.row_count, 0)
