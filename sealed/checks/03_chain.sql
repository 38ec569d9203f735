-- id: chain
-- looks at: records
-- proves: each record's hash is SHA-256 over its predecessor's hash and its own text, each link holds, and both ends are those of the manifest.
SELECT 'chain.hash' AS check, concat('record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING)) AS subject,
       hash AS expected, computed_hash AS found
FROM records
WHERE computed_hash <> hash
UNION ALL
SELECT 'chain.link', concat('record ', CAST(r.seq AS STRING), ' of lane ', CAST(r.lane AS STRING)), p.hash, r.previous_hash
FROM records r
JOIN records p ON p.lane = r.lane AND p.seq = r.seq - 1
WHERE p.hash <> r.previous_hash
UNION ALL
SELECT 'chain.begins', concat('lane ', CAST(l.lane AS STRING)), l.after_hash, r.previous_hash
FROM lanes l
JOIN records r ON r.lane = l.lane AND r.seq = l.after_seq + 1
WHERE r.previous_hash <> l.after_hash
UNION ALL
SELECT 'chain.ends', concat('lane ', CAST(l.lane AS STRING)), l.last_hash, r.hash
FROM lanes l
JOIN records r ON r.lane = l.lane AND r.seq = l.last_seq
WHERE r.hash <> l.last_hash
UNION ALL
SELECT 'chain.day_before', concat('lane ', CAST(l.lane AS STRING)),
       concat(CAST(p.last_seq AS STRING), ' ', p.last_hash), concat(CAST(l.after_seq AS STRING), ' ', l.after_hash)
FROM lanes l
JOIN previous_lanes p ON p.lane = l.lane
WHERE p.last_seq <> l.after_seq OR p.last_hash <> l.after_hash
