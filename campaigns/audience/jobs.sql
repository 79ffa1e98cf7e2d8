-- Changes of groups: stored by a request, worked through by the control worker, in the order of their
-- ids within each group.

-- name: insert_job
-- published_at: whoever stores it puts its message on the queue, and the tick does so again if it seems
-- to have got lost.
INSERT INTO group_jobs (group_id, kind, payload, entries, headers, published_at)
VALUES (%(group_id)s, %(kind)s, %(payload)s, %(entries)s, %(headers)s, clock_timestamp())
RETURNING id;

-- name: insert_done_job
-- One that was worked through by the request itself.
INSERT INTO group_jobs (group_id, kind, entries, done, added, updated, unchanged, invalid, faults,
                        finished_at)
VALUES (%(group_id)s, %(kind)s, %(entries)s, %(entries)s, %(added)s, %(updated)s, %(unchanged)s,
        %(invalid)s, %(faults)s, clock_timestamp());

-- name: is_pending
-- Planner: partial index group_jobs_pending.
SELECT FROM group_jobs WHERE group_id = %(group_id)s AND finished_at IS NULL LIMIT 1;

-- name: group_of_job
SELECT group_id FROM group_jobs WHERE id = %(id)s AND finished_at IS NULL;

-- name: take_group
-- One worker at a time works on a group, and nobody else writes it meanwhile. Not waited for: whoever
-- holds it looks for further jobs when it is done, and the tick asks again where that was an import.
SELECT g.id, g.team_id, g.name, g.description, g.kind, g.is_default_optouts, g.deletable, g.headers,
       g.created_at, g.updated_at, t.default_region
FROM contact_groups g
JOIN teams t ON t.id = g.team_id
WHERE g.id = %(group_id)s
FOR NO KEY UPDATE OF g SKIP LOCKED;

-- name: next_job
-- The oldest job of a group, and the entries from where it stands, at most a portion of them. The
-- caller holds the group, so nobody else is at it.
SELECT id, kind, entries, headers, done, invalid,
       jsonb_path_query_array(
           payload, ('$[' || done || ' to ' || (done + %(portion)s::int - 1) || ']')::jsonpath
       ) AS portion
FROM group_jobs
WHERE group_id = %(group_id)s AND finished_at IS NULL
ORDER BY id
LIMIT 1;

-- name: advance_job
-- What a portion came to. The contacts of a job that is done are kept nowhere but in the group.
UPDATE group_jobs
SET done = done + %(done)s, added = added + %(added)s, updated = updated + %(updated)s,
    unchanged = unchanged + %(unchanged)s, removed = removed + %(removed)s,
    invalid = invalid + %(invalid)s, faults = faults || %(faults)s::jsonb, attempts = 0,
    finished_at = CASE WHEN %(finished)s THEN clock_timestamp() END,
    payload = CASE WHEN %(finished)s THEN NULL ELSE payload END
WHERE id = %(id)s;

-- name: note_attempt
-- A portion that failed; after so many times in a row the job is given up, so that those behind it,
-- and campaigns that wait for it, go on.
UPDATE group_jobs j
SET attempts = attempts + 1,
    finished_at = CASE WHEN attempts + 1 >= %(most)s THEN clock_timestamp() END,
    error = CASE WHEN attempts + 1 >= %(most)s THEN %(error)s END,
    payload = CASE WHEN attempts + 1 >= %(most)s THEN NULL ELSE payload END
WHERE id = (SELECT id FROM group_jobs WHERE group_id = %(group_id)s AND finished_at IS NULL
            ORDER BY id LIMIT 1)
RETURNING id, finished_at IS NOT NULL AS given_up;

-- name: drop_job
-- A group that is not to be retired after all.
DELETE FROM group_jobs WHERE id = %(id)s;

-- name: flush_portion
-- The oldest contacts of a group, by its primary key.
DELETE FROM contacts
WHERE group_id = %(group_id)s AND id IN (
    SELECT id FROM contacts WHERE group_id = %(group_id)s ORDER BY id LIMIT %(portion)s);

-- name: remove_entries
-- Contacts with one of these numbers.
DELETE FROM contacts WHERE group_id = %(group_id)s AND {address} = ANY(%(addresses)s::text[]);

-- part: changes_of_run
-- Changes that are to be made before the recipients of a run r are written: in the groups that it is
-- told from, those among them that its queries ask for, and that were stored before it began. Later
-- ones do not hold it up: they are opt-outs, which every claim looks at again. Queries are stored with
-- uuids in one form, so their text tells. Planner: group_jobs_pending, which is empty most of the time.
JOIN campaigns c ON c.id = r.campaign_id
JOIN group_jobs j ON j.finished_at IS NULL AND j.created_at <= r.created_at
JOIN contact_groups g ON g.id = j.group_id AND g.team_id = c.team_id
WHERE r.id = %(run_id)s
  AND (g.is_default_optouts
       OR g.id IN (SELECT group_id FROM campaign_groups WHERE campaign_id = c.id)
       OR strpos(c.segmentation::text, g.id::text) > 0
       OR EXISTS (SELECT FROM campaign_segments u JOIN segments s ON s.id = u.segment_id
                  WHERE u.campaign_id = c.id AND strpos(s.query::text, g.id::text) > 0))

-- name: groups_of_run
-- Groups with such changes.
SELECT DISTINCT j.group_id
FROM runs r
{changes_of_run} AND r.status = 'resolving';

-- name: waiting_changes
-- How many of them there are.
SELECT count(*)::int AS changes
FROM runs r
{changes_of_run};

-- name: publish_jobs
-- One job for each group that has any: its worker goes through all of them. Planner: partial index
-- group_jobs_pending, which is empty most of the time.
WITH due AS (
    SELECT DISTINCT ON (group_id) id
    FROM group_jobs
    WHERE finished_at IS NULL
    ORDER BY group_id, id
)
UPDATE group_jobs
SET published_at = %(now)s
WHERE id IN (
    SELECT j.id FROM group_jobs j JOIN due ON due.id = j.id
    WHERE j.published_at IS NULL
       OR j.published_at < %(now)s::timestamptz - make_interval(secs => %(again_after)s)
    ORDER BY j.id
    LIMIT %(amount)s
    FOR NO KEY UPDATE OF j SKIP LOCKED)
RETURNING id;

-- name: latest_jobs
SELECT id, group_id, kind, entries, done, added, updated, unchanged, removed, invalid, faults, error,
       created_at, finished_at
FROM group_jobs
WHERE group_id = %(group_id)s
ORDER BY id DESC
LIMIT %(amount)s;

-- name: forget_jobs
-- Planner: group_jobs_finished from its oldest entry.
DELETE FROM group_jobs WHERE id IN (
    SELECT id FROM group_jobs
    WHERE finished_at < %(now)s::timestamptz - interval '7 days'
    ORDER BY finished_at LIMIT %(amount)s
    FOR UPDATE SKIP LOCKED);

-- name: fold_tallies
-- What connections counted is added up in the row 0 of each group, so that there are never many. What
-- somebody is counting at this moment is left for later, and so is a group that is being deleted: a
-- first row 0 would wait for that by its foreign key, and the tick waits for nobody.
WITH counted AS (
    SELECT t.group_id, t.backend
    FROM group_tallies t JOIN contact_groups g ON g.id = t.group_id
    WHERE t.backend <> 0
    LIMIT %(amount)s
    FOR UPDATE OF t SKIP LOCKED
    FOR KEY SHARE OF g SKIP LOCKED
), folded AS (
    DELETE FROM group_tallies t USING counted s
    WHERE t.group_id = s.group_id AND t.backend = s.backend
    RETURNING t.group_id, t.contacts
)
INSERT INTO group_tallies AS t (group_id, backend, contacts)
SELECT group_id, 0, sum(contacts) FROM folded GROUP BY group_id ORDER BY group_id
ON CONFLICT (group_id, backend) DO UPDATE SET contacts = t.contacts + excluded.contacts;
