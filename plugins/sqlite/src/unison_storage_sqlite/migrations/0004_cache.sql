-- The cache. An entry that has expired stays until it is purged, or makes room. With rowid, since values may be long.
CREATE TABLE cache_entries (
    address TEXT NOT NULL UNIQUE,
    value BLOB NOT NULL,
    expires INTEGER NOT NULL
);

CREATE INDEX cache_entries_by_expiry ON cache_entries (expires);

-- Leases that are held or have expired; a release deletes its row. Rows are short, so one tree holds all of them.
CREATE TABLE cache_leases (
    address TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    fence INTEGER NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX cache_leases_by_expiry ON cache_leases (expires);

-- One row: the last fence of all leases. So fences grow at every address, whatever has become of its rows.
CREATE TABLE cache_fence (last INTEGER NOT NULL);

INSERT INTO cache_fence (last) VALUES (0);
