-- Who may commit.

-- epoch: the epoch of the owner of today
SELECT epoch FROM store_owner WHERE id = 1

-- take: a new owner begins a new epoch
INSERT INTO store_owner (id, epoch, pid, opened_at) VALUES (1, 1, :pid, :now)
ON CONFLICT (id) DO UPDATE SET epoch = epoch + 1, pid = excluded.pid, opened_at = excluded.opened_at
RETURNING epoch

-- owner_table: whether the store has come to have its tables
SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'store_owner'
