-- id: versions
-- looks at: entries
-- proves: each account counts its postings without a gap, within the day and from the day before.
SELECT 'versions.gap' AS check, concat('account ', account) AS subject,
       concat('version ', CAST(previous_version + 1 AS STRING)) AS expected,
       concat('version ', CAST(version AS STRING), ' by record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING)) AS found
FROM (
    SELECT account, lane, seq, version, lag(version) OVER (PARTITION BY account ORDER BY version) AS previous_version FROM entries
) v
WHERE version <> previous_version + 1
UNION ALL
SELECT 'versions.order', concat('account ', account), 'versions in the order of its records',
       concat('version ', CAST(version AS STRING), ' by record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING))
FROM (
    SELECT account, lane, seq, version, lag(seq) OVER (PARTITION BY account ORDER BY version) AS previous_seq FROM entries
) v
WHERE seq <= previous_seq
UNION ALL
SELECT 'versions.day_before', concat('account ', n.account), concat('version ', CAST(p.version + 1 AS STRING)),
       concat('version ', CAST(n.version AS STRING))
FROM (SELECT account, min(version) AS version FROM entries GROUP BY account) n
JOIN (SELECT account, max(version) AS version FROM previous_entries GROUP BY account) p ON p.account = n.account
WHERE n.version <> p.version + 1
