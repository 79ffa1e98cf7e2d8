-- name: upsert_contacts
-- Adds contacts and updates known ones, told apart by (group_id, identity). What a new version
-- leaves out stays as it was; its custom fields go over the old ones. A row that would not change
-- is not written (WHERE ... IS DISTINCT FROM), so repeating a request leaves no dead row behind.
-- xmax is 0 for a row that was inserted and the locker's id for one that was updated.
WITH given AS (
    SELECT *
    FROM unnest(%(phone)s::text[], %(email)s::text[], %(telegram)s::text[], %(viber)s::text[],
                %(webpush)s::text[], %(fields)s::jsonb[])
         WITH ORDINALITY AS n (phone, email, telegram, viber, webpush, fields, position)
), stored AS (
    INSERT INTO contacts AS c (group_id, phone, email, telegram, viber, webpush, fields)
    SELECT %(group_id)s, phone, email, telegram, viber, webpush, fields
    FROM given
    ORDER BY position
    ON CONFLICT (group_id, identity) DO UPDATE
    SET email = coalesce(excluded.email, c.email),
        telegram = coalesce(excluded.telegram, c.telegram),
        viber = coalesce(excluded.viber, c.viber),
        webpush = coalesce(excluded.webpush, c.webpush),
        fields = c.fields || excluded.fields,
        updated_at = now()
    WHERE (c.email, c.telegram, c.viber, c.webpush, c.fields)
        IS DISTINCT FROM (coalesce(excluded.email, c.email),
                          coalesce(excluded.telegram, c.telegram),
                          coalesce(excluded.viber, c.viber),
                          coalesce(excluded.webpush, c.webpush),
                          c.fields || excluded.fields)
    RETURNING c.xmax = 0 AS added
)
SELECT count(*) FILTER (WHERE added) AS added, count(*) FILTER (WHERE NOT added) AS updated
FROM stored;

-- name: remove_contacts
-- The contacts of a group with one of these addresses; partial index (group_id, {address}).
DELETE FROM contacts
WHERE group_id = %(group_id)s AND {address} = ANY(%(addresses)s::text[]);

-- name: flush_contacts
-- All contacts of a group, by the index on (group_id, identity).
DELETE FROM contacts WHERE group_id = %(group_id)s;

-- name: opt_out
-- One address into the team's default_optouts; recording it again changes nothing. Takes no lock
-- on the group beyond the foreign key's, so an import into it does not hold an opt-out up.
INSERT INTO contacts (group_id, {address})
SELECT id, %(value)s
FROM contact_groups
WHERE team_id = %(team_id)s AND is_default_optouts
ON CONFLICT (group_id, identity) DO NOTHING;

-- name: list_contacts
-- A page of a group's contacts in the order in which they were added. Keyset, not OFFSET: the
-- page costs the same wherever it is. Primary key (group_id, id).
SELECT id, phone, email, telegram, viber, webpush, fields, created_at, updated_at
FROM contacts
WHERE group_id = %(group_id)s AND id > %(after)s
ORDER BY id
LIMIT %(limit)s;

-- name: newest_last
-- A page of a group's contacts by its number, counted from the first one. The offset passes over
-- entries of the primary key (group_id, id) and reads no contact but those of the page.
SELECT id, phone, email, telegram, viber, webpush, fields, created_at, updated_at
FROM contacts
WHERE group_id = %(group_id)s AND id IN (
    SELECT id FROM contacts WHERE group_id = %(group_id)s ORDER BY id OFFSET %(offset)s LIMIT %(limit)s)
ORDER BY id;

-- name: newest_first
-- The same page counted from the last one, where that is nearer.
SELECT id, phone, email, telegram, viber, webpush, fields, created_at, updated_at
FROM contacts
WHERE group_id = %(group_id)s AND id IN (
    SELECT id FROM contacts WHERE group_id = %(group_id)s
    ORDER BY id DESC OFFSET %(offset)s LIMIT %(limit)s)
ORDER BY id;

-- name: contacts_before
-- The page before a position.
SELECT * FROM (
    SELECT id, phone, email, telegram, viber, webpush, fields, created_at, updated_at
    FROM contacts
    WHERE group_id = %(group_id)s AND id < %(before)s
    ORDER BY id DESC
    LIMIT %(limit)s
) page
ORDER BY id;
