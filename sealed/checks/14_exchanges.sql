-- id: exchanges
-- looks at: entries
-- proves: the won leg of every exchange, and of every reversal of one, is its foreign leg times its own rate, rounded up when the customer buys and down when the customer sells; both legs are on the right side.
WITH priced AS (
    SELECT w.lane, w.seq, w.kind, w.account, f.side AS foreign_side, f.terms_side, f.terms_currency, f.currency,
           abs(f.amount_minor) AS foreign_minor, abs(w.amount_minor) AS won, f.terms_rate, f.terms_unit,
           CAST(abs(f.amount_minor) AS DECIMAL(19, 0)) * CAST(f.terms_rate AS DECIMAL(18, 8)) AS worth,
           CAST(f.terms_unit * CAST(rpad('1', c.minor_digits + 1, '0') AS BIGINT) AS DECIMAL(10, 0)) AS per
    FROM entries f
    JOIN entries w ON w.lane = f.lane AND w.seq = f.seq AND w.currency = 'KRW'
    JOIN currencies c ON c.code = f.currency
    WHERE f.currency <> 'KRW' AND f.kind IN ('exchanged', 'reversed')
)
SELECT 'exchanges.rounding' AS check,
       concat('record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING), ', account ', account) AS subject,
       concat(CASE WHEN terms_side = 'buy' THEN 'ceil(' ELSE 'floor(' END, CAST(foreign_minor AS STRING), ' x ', terms_rate, ' / ',
              CAST(per AS STRING), ') won') AS expected,
       concat(CAST(won AS STRING), ' won') AS found
FROM priced
WHERE CASE WHEN terms_side = 'buy'
           THEN NOT (CAST(won - 1 AS DECIMAL(19, 0)) * per < worth AND worth <= CAST(won AS DECIMAL(19, 0)) * per)
           ELSE NOT (CAST(won AS DECIMAL(19, 0)) * per <= worth AND worth < CAST(won + 1 AS DECIMAL(19, 0)) * per) END
UNION ALL
SELECT 'exchanges.side', concat('record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING), ', account ', account),
       concat(kind, ', customer ', terms_side, 's ', terms_currency), concat(foreign_side, ' in ', currency)
FROM priced
WHERE terms_currency <> currency
   OR foreign_side <> CASE WHEN (kind = 'exchanged') = (terms_side = 'buy') THEN 'credit' ELSE 'debit' END
UNION ALL
SELECT 'exchanges.legs', concat('record ', CAST(seq AS STRING), ' of lane ', CAST(lane AS STRING)), 'two legs, one in won',
       concat(CAST(count(*) AS STRING), ' legs, ', CAST(sum(CASE WHEN currency = 'KRW' THEN 1 ELSE 0 END) AS STRING), ' in won')
FROM entries
WHERE kind = 'exchanged'
GROUP BY lane, seq
HAVING count(*) <> 2 OR sum(CASE WHEN currency = 'KRW' THEN 1 ELSE 0 END) <> 1
UNION ALL
SELECT 'exchanges.terms', concat('record ', CAST(e.seq AS STRING), ' of lane ', CAST(e.lane AS STRING), ', account ', e.account),
       concat('terms of round ', coalesce(e.terms_round, 'none'), ' at ', coalesce(e.terms_rate, 'none')), 'other terms in the record'
FROM entries e
JOIN records r ON r.lane = e.lane AND r.seq = e.seq
WHERE e.kind IN ('exchanged', 'reversed')
  AND (e.terms_round IS NULL
       OR instr(r.body, concat('"terms":{"side":"', e.terms_side, '","currency":"', e.terms_currency, '","round":"', e.terms_round,
                               '","mid":{"won":"', e.terms_mid, '","per":', CAST(e.terms_unit AS STRING), '},"rate":{"won":"', e.terms_rate,
                               '","per":', CAST(e.terms_unit AS STRING), '}')) = 0)
