-- Words that people send, and whose words they are.

-- name: insert_keyword
-- No row comes back when the team has the word already; the caller compares what is there.
INSERT INTO keywords (id, team_id, word, group_id, created_at)
VALUES (%(id)s, %(team_id)s, %(word)s, %(group_id)s, %(now)s)
ON CONFLICT (team_id, word) DO NOTHING;

-- name: find_keyword
SELECT k.id, k.team_id, k.word, k.group_id, g.name AS group_name, g.kind AS group_kind, k.created_at
FROM keywords k
JOIN contact_groups g ON g.id = k.group_id
WHERE k.team_id = %(team_id)s AND k.word = %(word)s;

-- name: list_keywords
SELECT k.id, k.team_id, k.word, k.group_id, g.name AS group_name, g.kind AS group_kind, k.created_at
FROM keywords k
JOIN contact_groups g ON g.id = k.group_id
WHERE k.team_id = %(team_id)s
ORDER BY k.word;

-- name: delete_keyword
DELETE FROM keywords WHERE team_id = %(team_id)s AND word = %(word)s RETURNING id;

-- name: last_writer
-- The team that last wrote to an address from one of these senders by this account. Of a sender with a
-- long history the last thousand runs are looked at.
-- Planner: campaigns_sender, runs by their campaign, then one probe of deliveries (run_id, address) each.
SELECT r.team_id
FROM (SELECT r.id, c.team_id
      FROM campaigns c
      JOIN runs r ON r.campaign_id = c.id
      WHERE ltrim(c.sender, '+') = ANY (%(senders)s)
      ORDER BY r.id DESC
      LIMIT 1000) r
WHERE EXISTS (SELECT FROM deliveries d
              WHERE d.run_id = r.id AND d.address = %(address)s AND d.provider = %(provider)s)
ORDER BY r.id DESC
LIMIT 1;

-- name: teams_that_send
-- All teams that write from one of these senders by this account. Planner: campaigns_sender.
SELECT DISTINCT team_id FROM campaigns
WHERE ltrim(sender, '+') = ANY (%(senders)s) AND provider = %(provider)s;

-- name: teams_that_wrote
-- All teams that wrote to an address by this account, from whatever sender. For a number that no campaign
-- has: the one that wrote from it has another sender by now. The last thousand runs are looked at.
-- Planner: runs from the end of their primary key, then one probe of deliveries (run_id, address) each.
SELECT DISTINCT c.team_id
FROM (SELECT id, campaign_id FROM runs ORDER BY id DESC LIMIT 1000) r
JOIN campaigns c ON c.id = r.campaign_id
WHERE EXISTS (SELECT FROM deliveries d
              WHERE d.run_id = r.id AND d.address = %(address)s AND d.provider = %(provider)s);

-- name: join_group
-- One phone number into a group; to do it again changes nothing. It holds a row that is there already,
-- so that no removal that waits is made and over between this and the look at what waits.
INSERT INTO contacts (group_id, phone) VALUES (%(group_id)s, %(phone)s)
ON CONFLICT (group_id, identity) DO UPDATE SET phone = excluded.phone;
