-- name: campaigns
-- So many campaigns of one team, a minute apart, of every status and of three channels.
INSERT INTO campaigns (id, team_id, name, sender, sending_type, provider, template, schedule_type,
                       scheduled_send_date, next_dt, status, submission, created_at, updated_at)
SELECT gen_random_uuid(), %(team_id)s, 'Campaign ' || md5(n::text), 'Sluice',
       (ARRAY['sms', 'email', 'viber'])[1 + n %% 3], 'carrier', 'Hello @first_name', 'once',
       at, at, (ARRAY['draft', 'scheduled', 'finished', 'stopped'])[1 + n %% 4], '', at, at
FROM (SELECT n, now() - n * interval '1 minute' AS at FROM generate_series(1, %(amount)s) AS n) AS made;

-- name: campaign_groups
-- All of them for the same group.
INSERT INTO campaign_groups (campaign_id, role, position, group_id)
SELECT id, 'include', 0, %(group_id)s FROM campaigns WHERE team_id = %(team_id)s;

-- name: runs
-- A run for each that has been sent.
INSERT INTO runs (campaign_id, occurrence, provider, status, reason, starts_at, window_at, total,
                  accepted, created_at, finished_at)
SELECT id, scheduled_send_date, provider, 'finished', 'completed', scheduled_send_date,
       scheduled_send_date, 1000, 1000, created_at, created_at
FROM campaigns WHERE team_id = %(team_id)s AND status IN ('finished', 'stopped');

-- name: sample
-- One campaign that has been sent, and the numbers of things.
SELECT c.id, c.number, g.number AS group_number
FROM campaigns AS c, contact_groups AS g
WHERE c.team_id = %(team_id)s AND c.status = 'finished' AND g.id = %(group_id)s
ORDER BY c.created_at LIMIT 1;
