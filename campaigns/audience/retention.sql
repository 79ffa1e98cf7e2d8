-- Groups that are kept for a limited time.
-- uses: groups.sql

-- part: over
-- Whether its time is over. A group that is being emptied and filled again is no empty one, so for a
-- day after its last change it stays, whenever it was created. What campaigns that named it say comes
-- last: most groups are decided without. Planner: campaign_groups_group, then the campaigns' key.
g.deletable AND NOT g.is_default_optouts AND g.campaign_id IS NULL
  AND t.retention_days IS NOT NULL
  AND g.created_at < coalesce(%(now)s::timestamptz, clock_timestamp()) - make_interval(days => t.retention_days)
  AND ((g.updated_at < coalesce(%(now)s::timestamptz, clock_timestamp()) - interval '1 day'
        AND NOT EXISTS (SELECT FROM contacts x WHERE x.group_id = g.id))
       OR (greatest(g.updated_at, g.last_used_at)
               < coalesce(%(now)s::timestamptz, clock_timestamp()) - make_interval(days => t.retention_days)
           AND NOT EXISTS (
               SELECT FROM campaign_groups u JOIN campaigns c ON c.id = u.campaign_id
               WHERE u.group_id = g.id
                 AND coalesce(c.finished_sending_at, c.updated_at)
                     >= coalesce(%(now)s::timestamptz, clock_timestamp()) - make_interval(days => t.retention_days))))
  AND NOT EXISTS (
      SELECT FROM campaign_groups u JOIN campaigns c ON c.id = u.campaign_id
      WHERE u.group_id = g.id AND c.status IN ('draft', 'scheduled', 'sending'))
  AND NOT EXISTS (SELECT FROM keywords k WHERE k.group_id = g.id)
  AND NOT EXISTS (SELECT FROM links l WHERE l.group_id = g.id)
  AND NOT EXISTS (SELECT FROM segments s WHERE s.group_id = g.id)

-- name: retire_due
-- A group that somebody is deleting is left for later: the tick waits for nobody.
-- Planner: the few teams with a policy, their groups by contact_groups_team.
INSERT INTO group_jobs (group_id, kind)
SELECT g.id, 'retire'
FROM teams t
JOIN contact_groups g ON g.team_id = t.id
WHERE {over}
  AND NOT {asked_for}
  AND NOT EXISTS (SELECT FROM group_jobs j WHERE j.group_id = g.id AND j.finished_at IS NULL)
LIMIT %(amount)s
FOR KEY SHARE OF g SKIP LOCKED
RETURNING id;

-- name: note_uses
-- When the last campaign ended of those that named a group which looks unused. Noted, so that its
-- campaigns, which may be many, are looked through once and not every time. A group that is being
-- written, as by an import that takes long, is left for later: the tick waits for nobody.
UPDATE contact_groups g
SET last_used_at = u.at
FROM (
    SELECT g.id, c.at
    FROM teams t
    JOIN contact_groups g ON g.team_id = t.id
    CROSS JOIN LATERAL (
        SELECT max(coalesce(c.finished_sending_at, c.updated_at)) AS at
        FROM campaign_groups u JOIN campaigns c ON c.id = u.campaign_id
        WHERE u.group_id = g.id
    ) c
    WHERE g.deletable AND g.campaign_id IS NULL AND t.retention_days IS NOT NULL
      AND greatest(g.created_at, g.updated_at, g.last_used_at)
          < %(now)s::timestamptz - make_interval(days => t.retention_days)
      AND c.at > coalesce(g.last_used_at, '-infinity')
    LIMIT %(amount)s
    FOR NO KEY UPDATE OF g SKIP LOCKED
) u
WHERE g.id = u.id;

-- name: lock_group
SELECT id FROM contact_groups WHERE id = %(id)s FOR UPDATE;

-- name: delete_if_due
-- Asked again with the group in hand: a campaign may have named it since it was found.
DELETE FROM contact_groups g
USING teams t
WHERE g.id = %(id)s AND t.id = g.team_id AND {over} AND NOT {asked_for};
