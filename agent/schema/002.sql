-- The chain of this box's sheets: every link as it was signed. Only ever added to.
CREATE TABLE sheet_links (
    number    INTEGER PRIMARY KEY CHECK (number >= 1),
    kind      TEXT NOT NULL CHECK (kind IN ('sheet', 'withdrawal')),
    intake_id TEXT NOT NULL,
    withdraws INTEGER NOT NULL DEFAULT 0,
    link      TEXT NOT NULL
) STRICT;

CREATE INDEX sheet_links_by_intake ON sheet_links (intake_id, number);

-- Photos lie in files named by their content; this says which intake they belong to.
CREATE TABLE photos (
    intake_id  TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    added_at   TEXT NOT NULL,
    PRIMARY KEY (intake_id, sha256)
) STRICT;

-- What the seller said to a finding. A correction is another row: nothing said is lost.
CREATE TABLE seller_answers (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    intake_id TEXT NOT NULL,
    rule      TEXT NOT NULL,
    text      TEXT NOT NULL,
    operator  TEXT NOT NULL,
    at        TEXT NOT NULL
) STRICT;

CREATE INDEX seller_answers_by_intake ON seller_answers (intake_id, id);
