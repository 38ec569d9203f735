-- id: journals_and_records
-- looks at: ledger
-- proves: every record that moves money has a journal, and every journal has such a record of its kind.
SELECT 'journals_and_records' AS check,
       concat('record ', CAST(coalesce(r.seq, j.seq) AS STRING), ' of lane ', CAST(coalesce(r.lane, j.lane) AS STRING)) AS subject,
       coalesce(r.kind, 'no record that moves money') AS expected, coalesce(j.kind, 'no journal') AS found
FROM (
    SELECT lane, seq, kind FROM records WHERE kind = 'covered' OR instr(body, '"balance_after":') > 0
) r
FULL OUTER JOIN (SELECT lane, seq, min(kind) AS kind, count(DISTINCT kind) AS kinds FROM ledger GROUP BY lane, seq) j
  ON j.lane = r.lane AND j.seq = r.seq
CROSS JOIN day d
WHERE d.has_books
  AND (r.seq IS NULL OR j.seq IS NULL OR j.kinds > 1
       OR (r.kind = 'deposited' AND j.kind <> 'deposit') OR (r.kind = 'withdrawn' AND j.kind <> 'withdrawal')
       OR (r.kind = 'transferred' AND j.kind <> 'transfer') OR (r.kind = 'exchanged' AND j.kind <> 'exchange')
       OR (r.kind = 'reversed' AND j.kind <> 'reversal') OR (r.kind = 'covered' AND j.kind <> 'cover')
       OR (r.kind = 'interest_paid' AND j.kind <> 'interest'))
