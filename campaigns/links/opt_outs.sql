-- name: opt_out
-- The address of a delivery into a group of the team, or into default_optouts where that group is none
-- or is gone; to do it again changes nothing. Takes no lock on the group beyond the foreign key's. It
-- holds a row that is there already, so that no removal that waits is made and over between this and the
-- look at what waits.
WITH whom AS (
    SELECT coalesce((SELECT id FROM contact_groups
                     WHERE id = %(group_id)s AND team_id = %(team_id)s AND kind = 'optout'), g.id) AS group_id,
           d.address
    FROM deliveries d
    JOIN contact_groups g ON g.team_id = %(team_id)s AND g.is_default_optouts
    WHERE d.run_id = %(run_id)s AND d.seq = %(seq)s
), added AS (
    INSERT INTO contacts (group_id, {address})
    SELECT group_id, address FROM whom
    ON CONFLICT (group_id, identity) DO UPDATE SET {address} = excluded.{address}
    -- 0: it was not there before.
    RETURNING xmax = 0 AS is_new
)
SELECT w.group_id, w.address, a.is_new AS added FROM whom w CROSS JOIN added a;
