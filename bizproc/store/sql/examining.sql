-- What an examination of a store reads.

-- newest: the newest moments that are written down, but for those of waits
SELECT max(at) FROM (
    SELECT opened_at AS at FROM store_owner
    UNION ALL
    SELECT at FROM (SELECT at FROM journal ORDER BY lsn DESC LIMIT 1)
)
