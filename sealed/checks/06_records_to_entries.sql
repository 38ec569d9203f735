-- id: records_to_entries
-- looks at: records
-- proves: every leg of every record's text has its entry: none is missing, none is there more than once.
SELECT 'records_to_entries' AS check, concat('record ', CAST(r.seq AS STRING), ' of lane ', CAST(r.lane AS STRING)) AS subject,
       concat(CAST(r.legs AS STRING), ' entries') AS expected, concat(CAST(coalesce(e.legs, 0) AS STRING), ' entries') AS found
FROM (
    SELECT lane, seq, CAST((length(body) - length(replace(body, '"balance_after":', ''))) / 16 AS BIGINT) AS legs FROM records
) r
LEFT JOIN (SELECT lane, seq, count(*) AS legs FROM entries GROUP BY lane, seq) e ON e.lane = r.lane AND e.seq = r.seq
WHERE r.legs <> coalesce(e.legs, 0)
