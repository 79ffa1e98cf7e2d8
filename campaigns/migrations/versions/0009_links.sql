-- Links that are counted, and opt-outs by a click or a word.

-- Names of a team that lead to this installation. The links of its messages are made on them, and the
-- bounces of its e-mails come back to them. One team's each, or somebody else's links would open there.
CREATE TABLE domains (
    id         uuid PRIMARY KEY,
    -- What the Callback API calls it.
    number     bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    team_id    uuid NOT NULL REFERENCES teams,
    -- A host name in lower case, in ASCII, without a dot at its end.
    name       text COLLATE "C" NOT NULL UNIQUE,
    purposes   text[] NOT NULL CHECK (purposes <@ ARRAY['links', 'bounce'] AND purposes <> '{}'),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX domains_team ON domains (team_id);

-- What somebody writes into a text: a path on a domain, and where it leads or what it ends.
CREATE TABLE links (
    id         uuid PRIMARY KEY,
    -- What the Inline-contacts API calls an opt-out link.
    number     bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    team_id    uuid NOT NULL REFERENCES teams,
    domain_id  uuid NOT NULL REFERENCES domains,
    path       text COLLATE "C" NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('redirect', 'opt_out')),
    target     text,
    -- What the opt-out page calls itself.
    title      text,
    -- Where opt-outs go; null: default_optouts.
    group_id   uuid REFERENCES contact_groups,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (domain_id, path),
    CHECK ((kind = 'redirect') = (target IS NOT NULL)),
    CHECK (kind = 'opt_out' OR (title IS NULL AND group_id IS NULL))
);
CREATE INDEX links_team ON links (team_id);
CREATE INDEX links_group ON links (group_id) WHERE group_id IS NOT NULL;

ALTER TABLE campaigns
    -- Where its links are made, or its bounces come back to.
    ADD COLUMN domain_id       uuid REFERENCES domains ON DELETE SET NULL,
    ADD COLUMN opt_out_link_id uuid REFERENCES links ON DELETE SET NULL,
    ADD COLUMN track_link_url  text,
    -- Of e-mails: whether every link of the HTML part is counted, and whether its opening is.
    ADD COLUMN track_links     boolean NOT NULL DEFAULT false,
    ADD COLUMN track_opens     boolean NOT NULL DEFAULT false;
CREATE INDEX campaigns_domain ON campaigns (domain_id) WHERE domain_id IS NOT NULL;
CREATE INDEX campaigns_opt_out_link ON campaigns (opt_out_link_id) WHERE opt_out_link_id IS NOT NULL;
-- Whose number somebody answers to.
CREATE INDEX campaigns_sender ON campaigns (ltrim(sender, '+'));

-- The links of a campaign's messages as they were when it was saved. What went out must lead where it
-- led: rows are added, and neither changed nor removed when the campaign is edited.
CREATE TABLE campaign_links (
    campaign_id uuid NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    -- Seven bits of a code (campaigns/links/codes.py).
    number      smallint NOT NULL CHECK (number BETWEEN 0 AND 127),
    -- What it stands for in the text: a URL, '{track_link}', '{opt_out_link}' or '{open}'.
    source      text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('redirect', 'opt_out', 'open')),
    -- The domain that it is made on.
    host        text NOT NULL,
    target      text,
    title       text,
    -- No foreign key: an opt-out into a group that is gone lands in default_optouts.
    group_id    uuid,
    -- The messages that are still to go have it.
    in_use      boolean NOT NULL,
    PRIMARY KEY (campaign_id, number),
    CHECK ((kind = 'redirect') = (target IS NOT NULL))
);

-- Who followed which link, from the first time on: nothing is kept of those who never did. What
-- machines fetch on their own is counted apart.
CREATE TABLE link_clicks (
    run_id    bigint NOT NULL,
    seq       integer NOT NULL,
    link      smallint NOT NULL,
    -- By a person; null: machines only.
    first_at  timestamptz,
    last_at   timestamptz,
    times     integer NOT NULL DEFAULT 0,
    bot_times integer NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, seq, link)
) WITH (fillfactor = 70);

-- Words that people send, and the group that they get into by that.
CREATE TABLE keywords (
    id         uuid PRIMARY KEY,
    team_id    uuid NOT NULL REFERENCES teams,
    -- Without accents, in lower case (campaigns/audience/keywords.py).
    word       text NOT NULL,
    group_id   uuid NOT NULL REFERENCES contact_groups,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (team_id, word)
);
CREATE INDEX keywords_group ON keywords (group_id);
