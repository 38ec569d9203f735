-- Kind 7 of a journal: interest.
DROP VIEW v_entry;

CREATE VIEW v_entry AS
SELECT
    j.id >> 48 AS lane,
    j.id & 281474976710655 AS seq,
    e.key + 1 AS line,
    CASE j.kind WHEN 1 THEN 'deposit' WHEN 2 THEN 'withdrawal' WHEN 3 THEN 'transfer' WHEN 4 THEN 'exchange'
                WHEN 5 THEN 'reversal' WHEN 6 THEN 'cover' ELSE 'interest' END AS kind,
    j.reference AS reference,
    strftime('%Y-%m-%dT%H:%M:%S', j.at / 1000000, 'unixepoch') || printf('.%06dZ', j.at % 1000000) AS at,
    date(j.business_date * 86400, 'unixepoch') AS business_date,
    json_extract(e.value, '$[0]') AS account,
    json_extract(e.value, '$[1]') AS of_currency,
    c.name AS name,
    CASE json_extract(e.value, '$[2]') WHEN 'D' THEN 'debit' ELSE 'credit' END AS side,
    m.code AS currency,
    CASE WHEN m.minor_digits = 0 THEN CAST(json_extract(e.value, '$[4]') AS TEXT)
         ELSE (json_extract(e.value, '$[4]') / m.minor_per_unit) || '.'
              || substr('0000' || (json_extract(e.value, '$[4]') % m.minor_per_unit), -m.minor_digits) END AS amount
FROM journal j
JOIN json_each(j.entries) e
JOIN chart c ON c.account = json_extract(e.value, '$[0]')
JOIN currency m ON m.code = json_extract(e.value, '$[3]');
