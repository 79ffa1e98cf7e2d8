-- name: create_staging
-- Where an import collects its lines before any of them counts. Temporary: it is not logged, is
-- seen by this session alone, and is gone with it, also after a crash.
CREATE TEMPORARY TABLE contacts_import (
    line     bigint NOT NULL,
    identity text NOT NULL,
    phone    text,
    email    text,
    telegram text,
    viber    text,
    webpush  text,
    fields   jsonb NOT NULL
);

-- name: copy_rows
-- In pieces, each its own transaction: a single COPY would hold a snapshot for as long as the
-- file takes to read, and no table could be vacuumed meanwhile.
COPY contacts_import (line, identity, phone, email, telegram, viber, webpush, fields) FROM STDIN;

-- name: find_duplicates
-- Rows whose identity stands on an earlier line, too. One sort by identity; COLLATE "C" compares
-- bytes, several times faster than a locale's order.
CREATE TEMPORARY TABLE contacts_import_duplicates AS
SELECT line, identity, first_line
FROM (
    SELECT line, identity, row_number() OVER w AS number, first_value(line) OVER w AS first_line
    FROM contacts_import
    WINDOW w AS (PARTITION BY identity COLLATE "C" ORDER BY line)
) AS numbered
WHERE number > 1;

-- name: copy_duplicates
-- The duplicates as lines of the reject file, straight from the server: any number in no memory.
COPY (
    SELECT line, split_part(identity, ':', 1) || ' is the same as on line ' || first_line
    FROM contacts_import_duplicates
    ORDER BY line, identity
) TO STDOUT (FORMAT csv);

-- name: count_duplicates
SELECT count(*) AS duplicates FROM contacts_import_duplicates;

-- name: analyze_staging
-- Autovacuum does not see temporary tables: without this the planner takes both for tiny.
ANALYZE contacts_import, contacts_import_duplicates;

-- name: plan_for_millions
-- Sorting a million identities stays in memory, and no time limit of the send path applies. Local
-- to the transaction.
SELECT set_config('work_mem', '64MB', true), set_config('statement_timeout', '0', true);

-- name: upsert_staged
-- All lines of the file at once: the rule of upsert_contacts in contacts.sql, said for a table.
-- In the order of the lines, because that is the order in which contacts are sent to.
WITH stored AS (
    INSERT INTO contacts AS c (group_id, phone, email, telegram, viber, webpush, fields)
    SELECT %(group_id)s, s.phone, s.email, s.telegram, s.viber, s.webpush, s.fields
    FROM contacts_import s
    WHERE NOT EXISTS (
        SELECT FROM contacts_import_duplicates d
        WHERE d.line = s.line AND d.identity = s.identity)
    ORDER BY s.line
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

-- name: analyze_contacts
-- After many new rows the planner would otherwise guess until autovacuum comes by.
ANALYZE contacts;

-- name: drop_staging
DROP TABLE IF EXISTS contacts_import, contacts_import_duplicates;
