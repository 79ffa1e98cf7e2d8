-- Campaigns with their groups and pauses. Every statement is bounded by the team, or by an id that
-- was found through the team.

-- name: insert_campaign
-- No row comes back when the uuid is taken: by a repetition of the same submission, or by another
-- campaign. A submission that runs at the same moment is waited for.
INSERT INTO campaigns (
    id, team_id, name, sender, sending_type, provider, template_uuid, template, template_vars,
    query_type, query, segmentation,
    schedule_type, scheduled_send_date, scheduled_finish_date, expiry_date, throttled, leftover,
    manually_paused, status, is_test, event_callback, submission, created_at, updated_at,
    started_sending_at, timezone, schedule_rrule, schedule_exdates, schedule_rdates, next_dt,
    last_dt, overlap, start_deadline, catch_up, catch_up_cap, jitter, rate, pacing, warm_up,
    sending_hours, quiet_hours, holidays, recipient_local, priority, weight, segments,
    transliterate, max_parts, domain_id, opt_out_link_id, track_link_url, track_links, track_opens)
VALUES (
    %(id)s, %(team_id)s, %(name)s, %(sender)s, %(sending_type)s, %(provider)s, %(template_uuid)s,
    %(template)s, %(template_vars)s, %(query_type)s, %(query)s, %(segmentation)s, %(schedule_type)s, %(scheduled_send_date)s,
    %(scheduled_finish_date)s, %(expiry_date)s, %(throttled)s, %(leftover)s, %(manually_paused)s,
    %(status)s, %(is_test)s, %(event_callback)s, %(submission)s, %(created_at)s, %(updated_at)s,
    %(started_sending_at)s, %(timezone)s, %(schedule_rrule)s, %(schedule_exdates)s,
    %(schedule_rdates)s, %(next_dt)s, %(last_dt)s, %(overlap)s, %(start_deadline)s, %(catch_up)s,
    %(catch_up_cap)s, %(jitter)s, %(rate)s, %(pacing)s, %(warm_up)s, %(sending_hours)s,
    %(quiet_hours)s, %(holidays)s, %(recipient_local)s, %(priority)s, %(weight)s, %(segments)s,
    %(transliterate)s, %(max_parts)s, %(domain_id)s, %(opt_out_link_id)s, %(track_link_url)s,
    %(track_links)s, %(track_opens)s)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: update_campaign
-- The caller holds the row's lock. Neither the submission's fingerprint nor what the engine notes
-- about the sending is touched.
UPDATE campaigns
SET name = %(name)s, sender = %(sender)s, sending_type = %(sending_type)s,
    provider = %(provider)s, template_uuid = %(template_uuid)s, template = %(template)s,
    template_vars = %(template_vars)s, query_type = %(query_type)s, query = %(query)s,
    segmentation = %(segmentation)s, schedule_type = %(schedule_type)s,
    scheduled_send_date = %(scheduled_send_date)s,
    scheduled_finish_date = %(scheduled_finish_date)s, expiry_date = %(expiry_date)s,
    throttled = %(throttled)s, leftover = %(leftover)s, manually_paused = %(manually_paused)s,
    event_callback = %(event_callback)s, updated_at = %(updated_at)s,
    timezone = %(timezone)s, schedule_rrule = %(schedule_rrule)s,
    schedule_exdates = %(schedule_exdates)s, schedule_rdates = %(schedule_rdates)s,
    next_dt = %(next_dt)s, last_dt = %(last_dt)s, overlap = %(overlap)s,
    start_deadline = %(start_deadline)s, catch_up = %(catch_up)s,
    catch_up_cap = %(catch_up_cap)s, jitter = %(jitter)s, rate = %(rate)s, pacing = %(pacing)s,
    warm_up = %(warm_up)s, sending_hours = %(sending_hours)s, quiet_hours = %(quiet_hours)s,
    holidays = %(holidays)s, recipient_local = %(recipient_local)s, priority = %(priority)s,
    weight = %(weight)s, segments = %(segments)s,
    transliterate = %(transliterate)s, max_parts = %(max_parts)s,
    domain_id = %(domain_id)s, opt_out_link_id = %(opt_out_link_id)s,
    track_link_url = %(track_link_url)s, track_links = %(track_links)s,
    track_opens = %(track_opens)s
WHERE id = %(id)s;

-- name: insert_groups
INSERT INTO campaign_groups (campaign_id, role, position, group_id)
SELECT %(campaign_id)s, %(role)s, g.position - 1, g.id
FROM unnest(%(group_ids)s::uuid[]) WITH ORDINALITY AS g (id, position);

-- name: delete_groups
DELETE FROM campaign_groups WHERE campaign_id = %(campaign_id)s;

-- name: insert_segments
INSERT INTO campaign_segments (campaign_id, position, segment_id)
SELECT %(campaign_id)s, s.position - 1, s.id
FROM unnest(%(segment_ids)s::uuid[]) WITH ORDINALITY AS s (id, position);

-- name: delete_segments
DELETE FROM campaign_segments WHERE campaign_id = %(campaign_id)s;

-- name: insert_pauses
INSERT INTO pauses (id, campaign_id, start_at, end_at, created_at)
SELECT p.id, %(campaign_id)s, p.start_at, p.end_at, p.created_at
FROM unnest(%(ids)s::uuid[], %(starts)s::timestamptz[], %(ends)s::timestamptz[],
            %(created)s::timestamptz[]) AS p (id, start_at, end_at, created_at);

-- name: delete_pauses
DELETE FROM pauses WHERE campaign_id = %(campaign_id)s;

-- name: campaigns_by_id
-- Whole campaigns, newest first. Planner: primary key per id, then the keys of campaign_groups and
-- campaign_segments and pauses_campaign per campaign.
SELECT c.*,
       ARRAY(SELECT group_id FROM campaign_groups
             WHERE campaign_id = c.id AND role = 'include' ORDER BY position) AS included,
       ARRAY(SELECT group_id FROM campaign_groups
             WHERE campaign_id = c.id AND role = 'exclude' ORDER BY position) AS excluded,
       ARRAY(SELECT segment_id FROM campaign_segments
             WHERE campaign_id = c.id ORDER BY position) AS contact_segments,
       ARRAY(SELECT id FROM pauses WHERE campaign_id = c.id ORDER BY start_at, id) AS pause_ids,
       ARRAY(SELECT start_at FROM pauses WHERE campaign_id = c.id ORDER BY start_at, id)
           AS pause_starts,
       ARRAY(SELECT end_at FROM pauses WHERE campaign_id = c.id ORDER BY start_at, id)
           AS pause_ends,
       ARRAY(SELECT created_at FROM pauses WHERE campaign_id = c.id ORDER BY start_at, id)
           AS pause_created
FROM campaigns c
WHERE c.id = ANY (%(ids)s) AND c.team_id = %(team_id)s AND c.status <> 'deleted'
ORDER BY c.created_at DESC, c.id DESC;

-- name: lock_campaign
-- Whoever decides by a campaign's status holds this until the decision is stored; the tick's moves
-- wait for it. Claims take no lock on campaigns and never wait.
SELECT id FROM campaigns
WHERE id = %(id)s AND team_id = %(team_id)s AND status <> 'deleted'
FOR UPDATE;

-- name: page_ids
-- Keyset pagination: a page costs the same wherever it lies, and no campaign is shown twice when
-- new ones arrive meanwhile. Planner: campaigns_team from the last campaign shown, in its order.
SELECT c.id
FROM campaigns c
WHERE c.team_id = %(team_id)s AND c.status <> 'deleted' AND NOT c.is_test
  AND (%(status)s::text IS NULL OR c.status = %(status)s)
  AND (%(after)s::uuid IS NULL
       OR (c.created_at, c.id) < (SELECT created_at, id FROM campaigns WHERE id = %(after)s))
ORDER BY c.created_at DESC, c.id DESC
LIMIT %(amount)s;

-- name: count_shown
-- Planner: a few hundred rows at most, by the primary key.
SELECT coalesce(sum(campaigns), 0)::bigint AS campaigns FROM campaign_tallies
WHERE team_id = %(team_id)s;

-- name: fold_tallies
-- What connections counted is added up in the row 0 of each kind, so that there are never many. What
-- somebody is counting at this moment is left for later.
WITH counted AS (
    SELECT team_id, sending_type, schedule_type, status, manually_paused, backend
    FROM campaign_tallies WHERE backend <> 0
    LIMIT %(amount)s
    FOR UPDATE SKIP LOCKED
), folded AS (
    DELETE FROM campaign_tallies t USING counted c
    WHERE (t.team_id, t.sending_type, t.schedule_type, t.status, t.manually_paused, t.backend)
        = (c.team_id, c.sending_type, c.schedule_type, c.status, c.manually_paused, c.backend)
    RETURNING t.*
)
INSERT INTO campaign_tallies AS t
SELECT team_id, sending_type, schedule_type, status, manually_paused, 0, sum(campaigns)
FROM folded
GROUP BY team_id, sending_type, schedule_type, status, manually_paused
ON CONFLICT (team_id, sending_type, schedule_type, status, manually_paused, backend)
    DO UPDATE SET campaigns = t.campaigns + excluded.campaigns;

-- name: newest_ids
-- A page by its number, counted from the newest one. Planner: campaigns_team, index-only.
SELECT id FROM campaigns
WHERE team_id = %(team_id)s AND status <> 'deleted' AND NOT is_test
ORDER BY created_at DESC, id DESC
OFFSET %(offset)s LIMIT %(limit)s;

-- name: oldest_ids
-- The same page counted from the oldest one, where that is nearer.
SELECT id FROM campaigns
WHERE team_id = %(team_id)s AND status <> 'deleted' AND NOT is_test
ORDER BY created_at, id
OFFSET %(offset)s LIMIT %(limit)s;

-- name: submission
-- Who uses a uuid, in any team: uuids are chosen by those who submit.
SELECT team_id, submission, status FROM campaigns WHERE id = %(id)s;

-- name: move_campaign
-- Compare-and-set: nothing happens when the campaign has moved on meanwhile.
UPDATE campaigns
SET status = %(target)s,
    updated_at = %(now)s,
    error = coalesce(%(error)s, error),
    started_sending_at = CASE WHEN %(target)s::text = 'sending'
                              THEN coalesce(started_sending_at, %(now)s)
                              ELSE started_sending_at END,
    finished_sending_at = CASE WHEN %(target)s::text IN ('finished', 'stopped', 'failed')
                               THEN coalesce(finished_sending_at, %(now)s)
                               ELSE finished_sending_at END
WHERE id = %(id)s AND status = ANY (%(sources)s)
RETURNING id;

-- name: set_paused
-- Read by every claim, so it stands alone in its transaction and commits at once. No value means
-- the other one of the two.
UPDATE campaigns
SET manually_paused = coalesce(%(paused)s, NOT manually_paused),
    updated_at = CASE WHEN manually_paused = %(paused)s THEN updated_at ELSE %(now)s END
WHERE id = %(id)s AND team_id = %(team_id)s AND status = ANY (%(states)s)
RETURNING id;

-- name: has_open_run
SELECT EXISTS (SELECT FROM runs WHERE campaign_id = %(id)s AND status <> 'finished') AS open;

-- name: last_occurrence
-- The latest one that has a run, be it that it was skipped or missed. Planner: the last entry of the
-- unique index on (campaign_id, occurrence).
SELECT max(occurrence) AS occurrence FROM runs WHERE campaign_id = %(id)s;

-- name: hold_tick
-- Waits for a tick that is under way and keeps the next one away until this transaction is over
-- (lock_tick in scheduler/tick.sql). A tick that had read the campaign before a change of it would
-- open the gates after that change by the rules from before. Taken before any row is locked, because the tick
-- waits for rows while it holds this.
SELECT pg_advisory_xact_lock(hashtext('sluice.tick'));

-- name: is_resolving
-- Whether recipients of the campaign are being written right now, which may take long.
WITH free AS (
    SELECT id FROM runs
    WHERE campaign_id = %(id)s AND status = 'resolving'
    FOR NO KEY UPDATE SKIP LOCKED
)
SELECT EXISTS (
    SELECT FROM runs
    WHERE campaign_id = %(id)s AND status = 'resolving' AND id NOT IN (SELECT id FROM free)
) AS resolving;

-- name: lock_open_runs
-- Runs are locked before their lanes and their campaign, in the order of their ids, as by workers
-- and by the tick. Planner: runs_campaign.
SELECT r.id, r.occurrence, r.window_at
FROM runs r
JOIN campaigns c ON c.id = r.campaign_id
WHERE r.campaign_id = %(id)s AND c.team_id = %(team_id)s AND r.status IN ('resolving', 'sending')
ORDER BY r.id
FOR NO KEY UPDATE OF r;

-- name: move_runs
-- The caller holds the locks.
UPDATE runs r
SET window_at = x.window_at, finishes_at = x.finishes_at, expires_at = x.expires_at
FROM unnest(%(ids)s::bigint[], %(windows)s::timestamptz[], %(finishes)s::timestamptz[],
            %(expiries)s::timestamptz[]) AS x (id, window_at, finishes_at, expires_at)
WHERE r.id = x.id;

-- name: close_gates
-- Nothing is granted by the rules from before: each gate closes, by whichever clock is the earlier
-- one, and the next tick opens it and draws the line again.
WITH locked AS (
    SELECT run_id, lane FROM lanes
    WHERE run_id = ANY (%(run_ids)s)
    ORDER BY run_id, lane
    FOR NO KEY UPDATE
)
UPDATE lanes l
SET gate_closes_at = least(l.gate_closes_at, %(now)s, clock_timestamp()),
    pace_remaining = NULL, pace_until = NULL
FROM locked k
WHERE l.run_id = k.run_id AND l.lane = k.lane;
