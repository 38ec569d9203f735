-- id: sequence
-- looks at: records
-- proves: the records of each lane run without a gap from the one after the day before to the day's last.
SELECT 'sequence.missing' AS check, concat('record ', CAST(r.seq - 1 AS STRING), ' of lane ', CAST(r.lane AS STRING)) AS subject,
       'is there' AS expected, 'is missing' AS found
FROM records r
JOIN lanes l ON l.lane = r.lane
LEFT JOIN records p ON p.lane = r.lane AND p.seq = r.seq - 1
WHERE p.seq IS NULL AND r.seq > l.after_seq + 1
UNION ALL
SELECT 'sequence.ends', concat('lane ', CAST(l.lane AS STRING)),
       concat(CAST(l.after_seq + 1 AS STRING), ' to ', CAST(l.last_seq AS STRING)),
       concat(CAST(coalesce(min(r.seq), 0) AS STRING), ' to ', CAST(coalesce(max(r.seq), 0) AS STRING))
FROM lanes l
LEFT JOIN records r ON r.lane = l.lane
WHERE l.last_seq > l.after_seq
GROUP BY l.lane, l.after_seq, l.last_seq
HAVING coalesce(min(r.seq), 0) <> l.after_seq + 1 OR coalesce(max(r.seq), 0) <> l.last_seq
UNION ALL
SELECT 'sequence.ends', concat('record ', CAST(r.seq AS STRING), ' of lane ', CAST(r.lane AS STRING)),
       'a day without records', 'a record'
FROM records r
JOIN lanes l ON l.lane = r.lane
WHERE l.last_seq = l.after_seq
UNION ALL
SELECT 'sequence.lane', concat('lane ', CAST(r.lane AS STRING)), 'a lane of the manifest', 'an unknown lane'
FROM (SELECT DISTINCT lane FROM records) r
LEFT JOIN lanes l ON l.lane = r.lane
WHERE l.lane IS NULL
