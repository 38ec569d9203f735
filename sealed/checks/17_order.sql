-- id: order
-- looks at: records
-- proves: time never goes back within a lane, and an account has one owner and one lane, on every posting and in every balance.
SELECT 'order.time' AS check, concat('record ', CAST(r.seq AS STRING), ' of lane ', CAST(r.lane AS STRING)) AS subject,
       concat('not before ', CAST(p.at_micros AS STRING)) AS expected, CAST(r.at_micros AS STRING) AS found
FROM records r
JOIN records p ON p.lane = r.lane AND p.seq = r.seq - 1
WHERE r.at_micros < p.at_micros
UNION ALL
SELECT 'order.owner', concat('account ', account), 'one owner', concat(min(customer), ' and ', max(customer))
FROM entries GROUP BY account HAVING min(customer) <> max(customer)
UNION ALL
SELECT 'order.lane', concat('account ', account), 'one lane', concat(CAST(min(lane) AS STRING), ' and ', CAST(max(lane) AS STRING))
FROM (SELECT account, lane FROM entries UNION ALL SELECT account, lane FROM balances) a
GROUP BY account HAVING min(lane) <> max(lane)
