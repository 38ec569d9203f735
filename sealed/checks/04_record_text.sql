-- id: record_text
-- looks at: records
-- proves: a record's columns say what its text says: lane, number, kind, caller's word, business date.
SELECT 'record_text' AS check, concat('record ', CAST(r.seq AS STRING), ' of lane ', CAST(r.lane AS STRING)) AS subject,
       concat('lane ', CAST(r.lane AS STRING), ', seq ', CAST(r.seq AS STRING), ', ', r.kind, ', ', d.business_date) AS expected,
       substr(r.body, 1, 140) AS found
FROM records r
CROSS JOIN day d
WHERE instr(r.body, concat('"lane":', CAST(r.lane AS STRING), ',"seq":', CAST(r.seq AS STRING), ',"type":"', r.kind, '","at":"')) = 0
   OR instr(r.body, concat('","business_date":"', d.business_date, '","caller":"')) = 0
