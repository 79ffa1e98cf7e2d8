-- Contacts that come with a campaign. They have a group of their own, which is none of the team's:
-- contact_groups.campaign_id says whose it is.

-- name: insert_group
-- A campaign's group. Its campaign may follow in the same transaction. Never removed for its age, but
-- with its campaign.
INSERT INTO contact_groups (id, team_id, name, kind, deletable, headers, campaign_id)
VALUES (%(id)s, %(team_id)s, %(name)s, 'optin', false, %(headers)s, %(campaign_id)s);

-- name: copy_contacts
-- 100,000 in half a second. They are all new: the group is, and no address is in it twice.
COPY contacts (group_id, phone, fields) FROM STDIN;

-- name: note_number
UPDATE campaigns SET contacts_given = %(contacts)s WHERE id = %(campaign_id)s;

-- name: number_noted
-- Counting 100,000 takes 10 ms, and theirs never changes.
SELECT coalesce(max(contacts_given), 0) AS contacts
FROM campaigns
WHERE id = %(campaign_id)s AND team_id = %(team_id)s;

-- name: remove_group
-- With its contacts (ON DELETE CASCADE).
DELETE FROM contact_groups WHERE campaign_id = %(campaign_id)s;

-- part: own
-- Their group is told before the contacts are read, so that these come in the order of an index.
FROM contacts c
WHERE c.group_id = (SELECT id FROM contact_groups
                    WHERE campaign_id = %(campaign_id)s AND team_id = %(team_id)s)
  AND (%(phones)s::text[] IS NULL OR c.phone LIKE ALL (%(phones)s))
  AND (%(names)s::text[] IS NULL OR c.fields ->> 'name' LIKE ALL (%(names)s))

-- name: count_contacts
-- Reads them all. Where nobody asks for some of them only, the campaign knows the number.
SELECT count(*) AS contacts
{own};

-- name: by_id
-- Planner: the contacts' primary key, as they were given; and so is the other direction.
SELECT c.id, c.phone, c.fields
{own}
ORDER BY c.id
OFFSET %(offset)s LIMIT %(limit)s;

-- name: by_id_down
SELECT c.id, c.phone, c.fields
{own}
ORDER BY c.id DESC
OFFSET %(offset)s LIMIT %(limit)s;

-- name: by_phone
-- Planner: contacts_phone, and so is the other direction.
SELECT c.id, c.phone, c.fields
{own}
  AND c.phone IS NOT NULL
ORDER BY c.phone
OFFSET %(offset)s LIMIT %(limit)s;

-- name: by_phone_down
SELECT c.id, c.phone, c.fields
{own}
  AND c.phone IS NOT NULL
ORDER BY c.phone DESC
OFFSET %(offset)s LIMIT %(limit)s;
