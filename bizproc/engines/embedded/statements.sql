-- The statements of the embedded engine. Rows of the journal are only ever appended.

-- add_instance: a new instance, with nothing in its journal; the causes of who starts it are its own
INSERT INTO instance (id, process, version, document_type, document_id, arguments, state, waits_for, only, queue, while_in,
                      parent_key, parent_address, cause, started_at)
VALUES (:id, :process, :version, :document_type, :document_id, :arguments, :state, :waits_for, :only, :queue, :while_in,
        :parent_key, :parent_address, coalesce(:cause, (SELECT cause FROM instance WHERE key = :starter)), :started_at)

-- same_id: an instance by its id, to compare a second start with the first
SELECT key, id, process, version, coalesce(first_arguments, arguments), state, queue FROM instance WHERE id = :id

-- in_queue: how many wait for their turn
SELECT count(*) FROM instance WHERE queue = :only

-- next_in_queue: who comes after this instance
SELECT key FROM instance WHERE queue = (SELECT only FROM instance WHERE key = :key) ORDER BY key LIMIT 1

-- take_turn: it waits for its turn no longer
UPDATE instance SET only = queue, queue = NULL, state = 'running', waits_for = NULL, started_at = :now WHERE key = :key

-- give_way: another one may have its place
UPDATE instance SET only = NULL WHERE key = :key

-- state_of: how an instance stands
SELECT state FROM instance WHERE key = :key

-- live_on: the live instances on an item; those that wait for their turn first, so that ending the others wakes none
SELECT key FROM instance WHERE document_type = :kind AND document_id = :item AND state IN ('running', 'waiting', 'stuck')
ORDER BY queue IS NULL, key

-- staying: the live instances on an item that end when it leaves their stages
SELECT key, while_in FROM instance
WHERE document_type = :kind AND document_id = :item AND while_in IS NOT NULL AND ended_at IS NULL
ORDER BY queue IS NULL, key

-- cause_of: what led to an instance
SELECT cause FROM instance WHERE id = :id

-- refuse: something did not start
INSERT INTO refusal (at, process, document_type, document_id, event, reason, existing, text)
VALUES (:at, :process, :document_type, :document_id, :event, :reason, :existing, :text)

-- forget_refusals: of the oldest nobody needs to know
DELETE FROM refusal WHERE id <= :id

-- refusals: what did not start, the newest first
SELECT at, process, document_type, document_id, event, reason, existing, text FROM refusal
WHERE (:process IS NULL OR process = :process) AND (:kind IS NULL OR (document_type = :kind AND document_id = :item))
ORDER BY id DESC LIMIT :limit

-- is_paused: whether the triggers of a process start nothing
SELECT 1 FROM paused WHERE process = :process

-- pause: they start nothing from here on
INSERT OR IGNORE INTO paused (process, at) VALUES (:process, :at)

-- unpause: they start something again
DELETE FROM paused WHERE process = :process

-- all_paused: the processes whose triggers start nothing
SELECT process FROM paused ORDER BY process

-- timetable_of: what stands in the timetable for a process
SELECT expression, zone, next FROM timetable WHERE process = :process

-- plan: when a schedule is due next
INSERT OR REPLACE INTO timetable (process, expression, zone, next) VALUES (:process, :expression, :zone, :next)

-- unplan: a process has this schedule no longer
DELETE FROM timetable WHERE process = :process AND expression = :expression AND zone = :zone

-- due_runs: the schedules that are due, the longest overdue first
SELECT process, expression, zone, next FROM timetable WHERE next <= :now ORDER BY next, process, expression, zone

-- same_document: the live instance that a `single` process has on this document
SELECT key, id FROM instance WHERE only = :only

-- instance: one instance as it stands
SELECT key, id, process, version, run, document_type, document_id, arguments, state, waits_for, until, crashes, printed_in, queue
FROM instance WHERE key = :key

-- journal: all that happened to an instance, in the order of delivery
SELECT position, address, event, kind, name, arguments, hash, outcome, attempts, started_at, at, crc
FROM journal WHERE instance = :key ORDER BY position

-- append: one entry
INSERT INTO journal (instance, position, address, event, kind, name, arguments, hash, outcome, attempts, started_at, at, crc)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- arrivals: what has arrived and was not taken, the oldest first
SELECT id, address, kind, payload FROM arrival WHERE instance = :key ORDER BY id

-- add_arrival: something has arrived for a wait, or (without address) for the instance as a whole
INSERT INTO arrival (instance, address, kind, payload) VALUES (:key, :address, :kind, :payload)

-- take_arrival: it was delivered, or nobody waits for it any more
DELETE FROM arrival WHERE id = ?

-- unread: signals that no wait has consumed, the oldest first
SELECT id, name, value FROM signal WHERE instance = :key AND consumed = 0 ORDER BY id

-- unread_signals: the same, as people are told of them
SELECT name, value, at FROM signal WHERE instance = :key AND consumed = 0 ORDER BY id

-- posted_signals: what programs beside the owner have sent, and no owner has taken yet
SELECT request, posted_at FROM inbox WHERE done_at IS NULL AND kind = 'SignalRequest' ORDER BY id

-- awaited_signals: the keys of the signals that an instance waits for now
SELECT DISTINCT key FROM subscription WHERE instance = :key ORDER BY key

-- add_signal: a signal for an instance; the same key twice counts once
INSERT INTO signal (instance, name, value, key, at) VALUES (:key, :name, :value, :once, :at) ON CONFLICT DO NOTHING

-- consume: a wait has taken this signal; the row stays, for its key
UPDATE signal SET consumed = 1 WHERE id = ?

-- attempts: steps that were begun and have not ended, with the moment of the next try
SELECT attempt.address, attempt.count, attempt.started, timer.deadline
FROM attempt LEFT JOIN timer ON timer.instance = attempt.instance AND timer.address = attempt.address
WHERE attempt.instance = :key

-- retrying: steps whose body has failed and is to run again, with its last error and the moment
SELECT attempt.address, attempt.count, attempt.error, timer.deadline
FROM attempt LEFT JOIN timer ON timer.instance = attempt.instance AND timer.address = attempt.address
WHERE attempt.instance = :key AND attempt.error IS NOT NULL ORDER BY attempt.address

-- note_attempt: how often a step was tried, and whether its body may be running
INSERT OR REPLACE INTO attempt (instance, address, count, started, error) VALUES (?, ?, ?, ?, ?)

-- end_attempts: the step has ended
DELETE FROM attempt WHERE instance = ? AND address = ?

-- heard: the waits that something can end which is in the store: the clock, an event, what has arrived
SELECT address FROM timer WHERE instance = :key
UNION SELECT address FROM subscription WHERE instance = :key
UNION SELECT address FROM arrival WHERE instance = :key

-- add_timer: a deadline; fixed once
INSERT OR REPLACE INTO timer (instance, address, deadline, purpose) VALUES (?, ?, ?, ?)

-- end_timer: nobody waits for it any more
DELETE FROM timer WHERE instance = ? AND address = ?

-- due_timers: waits to wake now, the longest overdue first
SELECT deadline, instance, address FROM timer WHERE deadline <= :now ORDER BY deadline, instance, address LIMIT :batch

-- next_timer: the moment of the next one
SELECT min(deadline) FROM timer

-- subscribe: a wait listens to events with this key
INSERT OR IGNORE INTO subscription (key, instance, address, trigger) VALUES (:key, :instance, :address, :trigger)

-- subscribers: who listens to this key
SELECT instance, address, trigger FROM subscription WHERE key = :key ORDER BY instance, address

-- listeners: who listens to one of the three keys of an event
SELECT key, instance, address, trigger FROM subscription WHERE key IN (?, ?, ?)

-- any_listener: whether anybody listens to one of the keys of two events
SELECT 1 FROM subscription WHERE key IN (?, ?, ?, ?, ?, ?) LIMIT 1

-- end_subscriptions: the wait is over
DELETE FROM subscription WHERE instance = ? AND address = ?

-- end_arrivals: what had arrived for a wait that is over
DELETE FROM arrival WHERE instance = ? AND address = ?

-- set_state: what an instance does between its turns
UPDATE instance SET state = ?, waits_for = ?, until = ? WHERE key = ?

-- end_instance: it has ended, or is set aside
UPDATE instance SET state = :state, outcome = :outcome, error = :error, ended_by = :ended_by, ended_at = :ended_at,
       only = CASE WHEN :ended_at IS NULL THEN only END, queue = CASE WHEN :ended_at IS NULL THEN queue END, failed_at = :failed_at, waits_for = NULL, until = NULL
WHERE key = :key

-- clear_timers: nothing wakes an instance that has ended
DELETE FROM timer WHERE instance = :key

-- clear_subscriptions: an instance that has ended listens to nothing
DELETE FROM subscription WHERE instance = :key

-- clear_arrivals: what arrives for an instance that has ended is not delivered
DELETE FROM arrival WHERE instance = :key

-- forget_arrivals: the same, with the other rows of a group
DELETE FROM arrival WHERE instance = ?

-- clear_run: what arrived for a run that is over; that somebody wants the instance cancelled concerns the next one, too
DELETE FROM arrival WHERE instance = :key AND kind <> 'cancel'

-- clear_attempts: no step of an instance that has ended is tried again
DELETE FROM attempt WHERE instance = :key

-- ready: instances to bring back after a start: those that were running, and those for which something has arrived, in its order
-- CROSS JOIN: arrivals are looked at one by one. Left to itself SQLite goes through all instances, and looks for arrivals of each.
SELECT key FROM (SELECT key FROM instance WHERE state = 'running'
UNION SELECT arrival.instance FROM arrival CROSS JOIN instance ON instance.key = arrival.instance AND instance.state = 'waiting'
UNION SELECT signal.instance FROM signal JOIN subscription
      ON subscription.key = 'instance:' || signal.instance || '/signal:' || signal.name WHERE signal.consumed = 0)
ORDER BY coalesce((SELECT min(arrival.id) FROM arrival WHERE arrival.instance = key), 0), key

-- add_note: a line in an instance's log
INSERT INTO instance_log (instance, at, text, facts) VALUES (?, ?, ?, ?)

-- note_printing: in which language and zone an instance has printed values
UPDATE instance SET printed_in = ? WHERE key = ?

-- begin_anew: the same instance with other parameters and an empty journal
UPDATE instance SET first_arguments = coalesce(first_arguments, arguments), arguments = :arguments, run = run + 1,
       printed_in = NULL, state = 'running', waits_for = NULL, until = NULL
WHERE key = :key

-- adopt_settings: an instance that goes on with the settings of today
UPDATE instance SET arguments = ? WHERE key = ?

-- clear_journal: an instance that begins anew
DELETE FROM journal WHERE instance = :key

-- next_key: the number of the next instance, which none had before, not even one that is gone
SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'instance'

-- live_children: whom a cancel of their parent concerns
SELECT key, id, queue FROM instance WHERE parent_key = :key AND state IN ('running', 'waiting', 'stuck') ORDER BY key

-- child: how a child stands, for the parent that waits for it
SELECT key, process, state, outcome, error, ended_by FROM instance WHERE id = :id

-- status_of: one instance, as people are told of it
SELECT id, process, version, document_type, document_id, state, waits_for, until, ended_by, error, started_at, ended_at, cause
FROM instance WHERE id = :id

-- list_instances: those that fit, the newest first
SELECT id, process, version, document_type, document_id, state, waits_for, until, ended_by, error, started_at, ended_at, cause
FROM instance
WHERE (:process IS NULL OR process = :process) AND (:state IS NULL OR state = :state)
ORDER BY key DESC LIMIT :limit

-- list_on_item: the same, of those on one item
SELECT id, process, version, document_type, document_id, state, waits_for, until, ended_by, error, started_at, ended_at, cause
FROM instance
WHERE document_type = :kind AND document_id = :item
  AND (:process IS NULL OR process = :process) AND (:state IS NULL OR state = :state)
ORDER BY key DESC LIMIT :limit

-- result_of: how an instance ended
SELECT key, process, version, state, outcome, error, ended_by FROM instance WHERE id = :id

-- notes: what an instance wrote into its log
SELECT at, text, facts FROM instance_log WHERE instance = :key ORDER BY id

-- post: something to be sent
INSERT INTO outbox (instance, address, waits, channel, key, payload, settling, document_type, document_id, state, again_at, posted_at)
VALUES (:instance, :address, :waits, :channel, :key, :payload, :settling, :document_type, :document_id, 'ready', :again_at, :at)

-- open_posts: what was not settled when the program ended, and is not of a later moment, the oldest first
SELECT id, instance, address, waits, channel, key, payload, settling, document_type, document_id, state, attempts, again_at
FROM outbox WHERE state IN ('ready', 'sending') AND again_at IS NULL ORDER BY id

-- due_posts: what was to be sent at a moment that has come, the longest overdue first
SELECT id, instance, address, waits, channel, key, payload, settling, document_type, document_id, state, attempts, again_at
FROM outbox WHERE state = 'ready' AND again_at IS NOT NULL AND again_at <= :now ORDER BY again_at, id LIMIT :batch

-- due_now: it waits for its moment no more
UPDATE outbox SET again_at = NULL WHERE id = ?

-- next_post: when something is to be sent
SELECT min(again_at) FROM outbox WHERE state = 'ready' AND again_at IS NOT NULL

-- mark_sending: from here on it may have been sent
UPDATE outbox SET state = 'sending', attempts = attempts + 1, again_at = NULL WHERE id = :id AND state = 'ready'

-- delay: it was certainly not sent, and is tried again
UPDATE outbox SET state = 'ready', attempts = :attempts, again_at = :again_at WHERE id = :id

-- settle: its fate is known
UPDATE outbox SET state = :state, verdict = :verdict, settled_at = :at WHERE id = :id

-- withdraw: nobody wants it sent any more, and it is not being sent
UPDATE outbox SET state = 'withdrawn' WHERE instance = ? AND address = ? AND state = 'ready'

-- post_state: whether it is still wanted
SELECT state FROM outbox WHERE id = :id

-- posts_of: what an instance has given to channels
SELECT address, channel, state, attempts, verdict, posted_at, settled_at FROM outbox WHERE instance = :key ORDER BY id

-- resumable: what is needed to let an instance go on
SELECT key, process, version, document_type, document_id, state, failed_at FROM instance WHERE id = :id

-- forget_from: the last error raised at this address, and all that came after it
DELETE FROM journal WHERE instance = :key AND position >=
  (SELECT max(position) FROM journal WHERE instance = :key AND address = :address AND event = 'raised')

-- resume: an instance that had failed or was stuck goes on
UPDATE instance SET state = 'running', outcome = NULL, error = NULL, ended_by = NULL, ended_at = NULL, failed_at = NULL,
       crashes = 0, alone = 0, only = :only
WHERE key = :key

-- stuck: instances that were set aside, with the reason
SELECT key, process, version, error FROM instance WHERE state = 'stuck'

-- not_stuck: what it missed is there again
UPDATE instance SET state = 'running', error = NULL WHERE key = ?

-- closed_orderly: whether the owner before this one left in an orderly way
SELECT closed FROM store_owner WHERE id = 1

-- open_again: from here on an end is a crash, until the owner says otherwise
UPDATE store_owner SET closed = 0 WHERE id = 1

-- close_orderly: this owner leaves in an orderly way
UPDATE store_owner SET closed = 1 WHERE id = 1

-- crashed: the program died while this instance had something to do
UPDATE instance SET crashes = crashes + 1 WHERE key = ?

-- suspects: instances that had something to do in two crashes or more, with no commit of their own in between
SELECT key, crashes, alone FROM instance WHERE crashes >= 2 AND state IN ('running', 'waiting')

-- alone: from here on this instance runs alone
UPDATE instance SET alone = alone + 1 WHERE key = :key

-- no_crashes: the instance has come further
UPDATE instance SET crashes = 0, alone = 0 WHERE key = ?

-- id_of: what people call an instance
SELECT id FROM instance WHERE key = :key

-- ask_owner: something a guest wants; the same key twice counts once
INSERT INTO inbox (key, kind, request, posted_at) VALUES (:key, :kind, :request, :at) ON CONFLICT DO NOTHING

-- asked_of_owner: what was not answered yet, the oldest first
SELECT id, kind, request FROM inbox WHERE done_at IS NULL ORDER BY id LIMIT 200

-- answer_guest: the owner has done it
UPDATE inbox SET done_at = :at, value = :value, error = :error WHERE id = :id AND done_at IS NULL

-- answer_of: what the owner has answered
SELECT done_at, value, error FROM inbox WHERE key = :key

-- post_of_key: what became of something that was posted under this key
SELECT id, channel, state, verdict FROM outbox WHERE key = ?

-- accepted_post: what was posted under this key, if the other side has it
SELECT settling, verdict FROM outbox WHERE key = ? AND state = 'accepted'

-- unknown_posts: what was posted at an address, in this run or an earlier one, and nobody knows whether it was sent
SELECT id, instance, address, waits, channel, key, payload, settling, document_type, document_id, state, attempts, again_at
FROM outbox WHERE instance = :key AND address = :address AND state = 'unknown' ORDER BY id

-- send_again: nobody knew whether it was sent, and somebody wants it sent
UPDATE outbox SET state = 'ready', attempts = 0, again_at = NULL, verdict = NULL, settled_at = NULL WHERE id = :id

-- waited_for: whether a step waits for the verdict
UPDATE outbox SET waits = :waits WHERE id = :id

-- is_waited_for: likewise
SELECT waits FROM outbox WHERE id = :id

-- arrival_at: whether something is on its way to a step
SELECT 1 FROM arrival WHERE instance = :key AND address = :address LIMIT 1

-- unknown_post: what a step has posted, if nobody knows whether it was sent
SELECT id FROM outbox WHERE instance = :key AND address = :address AND state = 'unknown'

-- post_again: it was not accepted, and somebody wants it sent after all
UPDATE outbox SET state = 'ready', attempts = 0, again_at = NULL, verdict = NULL, settled_at = NULL, payload = :payload,
       settling = :settling, channel = :channel, waits = :waits
WHERE id = :id

-- run_of: which run of an instance is on, and how it stands
SELECT id, run, state FROM instance WHERE key = :key

-- answered: whether a guest has its answer
SELECT done_at FROM inbox WHERE id = :id

-- effects_after: what was done after the error that `retry` would take back
SELECT address FROM journal WHERE instance = :key AND kind IN ('action', 'step', 'start') AND event = 'returned' AND position >
  (SELECT max(position) FROM journal WHERE instance = :key AND address = :address AND event = 'raised')
ORDER BY position

-- live_instances: those whose code may change under them, the oldest first
SELECT key FROM instance WHERE state IN ('running', 'waiting', 'stuck') AND (:process IS NULL OR process = :process) ORDER BY key

-- forkable: an instance as a fork of it begins
SELECT key, id, process, version, run, document_type, document_id, arguments, first_arguments, cause, printed_in FROM instance WHERE id = :id

-- add_fork: an instance that begins with what another one has done; no overlap policy counts it
INSERT INTO instance (id, process, version, run, document_type, document_id, arguments, first_arguments, state, cause, printed_in, started_at)
VALUES (:id, :process, :version, :run, :document_type, :document_id, :arguments, :first_arguments, 'running', :cause, :printed_in, :started_at)

-- all_signals: what was sent to an instance, consumed or not, the oldest first
SELECT name, value, at, consumed FROM signal WHERE instance = :key ORDER BY id

-- count_states: how many instances are in which state
SELECT state, count(*) FROM instance GROUP BY state ORDER BY state

-- begun_since: instances younger than this one, in their order
SELECT id, process, version, document_type, document_id, state, waits_for, until, ended_by, error, started_at, ended_at, cause, key
FROM instance WHERE key > :key ORDER BY key LIMIT 1000

-- ended_since: instances that have ended since, in the order of their endings
SELECT id, process, version, document_type, document_id, state, waits_for, until, ended_by, error, started_at, ended_at, cause, key
FROM instance WHERE ended_at >= :at AND (ended_at > :at OR key > :key) ORDER BY ended_at, key LIMIT 1000

-- stuck_now: what waits for a person
SELECT id, process, version, document_type, document_id, state, waits_for, until, ended_by, error, started_at, ended_at, cause, key
FROM instance WHERE state = 'stuck' ORDER BY key LIMIT 1000

-- known_ids: which of these are taken
SELECT id FROM instance WHERE id IN (SELECT value FROM json_each(:ids))

-- process_names: of all instances there are; each by one look into the index
WITH RECURSIVE name(process) AS (
  SELECT min(process) FROM instance
  UNION ALL SELECT (SELECT min(process) FROM instance WHERE process > name.process) FROM name WHERE name.process IS NOT NULL)
SELECT process FROM name WHERE process IS NOT NULL

-- first_ended: when the first of those ended that ended after this moment
SELECT min(ended_at) FROM instance WHERE process = :process AND state = :state AND ended_at > :after

-- ended_until: instances of a process that ended in this state and long enough ago, the longest ended first
SELECT key, id, ended_at, parent_key FROM instance
WHERE process = :process AND state = :state AND ended_at <= :until AND (ended_at, key) > (:at, :key)
ORDER BY ended_at, key LIMIT :most

-- open_post_of: whether something of an instance is still to be sent
SELECT 1 FROM outbox WHERE instance = :key AND state IN ('ready', 'sending') LIMIT 1

-- remove_instance: it was kept long enough
DELETE FROM instance WHERE key = :key

-- add_removal: an instance is gone, and its other rows are to follow
INSERT INTO removal (instance) VALUES (:key)

-- removals: instances that are gone, and have rows still
SELECT instance FROM removal ORDER BY instance LIMIT 500

-- removed: none of its rows is left
DELETE FROM removal WHERE instance = :key

-- remove_journal: of one that is gone, so many rows
DELETE FROM journal WHERE lsn IN (SELECT lsn FROM journal WHERE instance = :key LIMIT :most)

-- remove_notes: likewise
DELETE FROM instance_log WHERE id IN (SELECT id FROM instance_log WHERE instance = :key LIMIT :most)

-- remove_signals: likewise
DELETE FROM signal WHERE id IN (SELECT id FROM signal WHERE instance = :key LIMIT :most)

-- remove_arrivals: likewise
DELETE FROM arrival WHERE id IN (SELECT id FROM arrival WHERE instance = :key LIMIT :most)

-- remove_posts: likewise
DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE instance = :key LIMIT :most)

-- remove_posts_of_nobody: what was sent outside processes, and is settled since long
DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE instance IS NULL AND settled_at <= :until ORDER BY settled_at LIMIT :most)

-- oldest_asked: what guests asked first
SELECT id, done_at FROM inbox ORDER BY id LIMIT :most

-- forget_asked: a guest has had its answer since long
DELETE FROM inbox WHERE id = :id
