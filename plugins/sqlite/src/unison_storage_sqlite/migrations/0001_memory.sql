-- Memory. Times are microseconds since the epoch. TEXT compares as the bytes of its UTF-8 (collation BINARY).
CREATE TABLE memory (
    address TEXT NOT NULL UNIQUE,
    value BLOB NOT NULL,
    version TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    expires INTEGER,
    person TEXT
);

CREATE INDEX memory_of_person ON memory (person) WHERE person IS NOT NULL;

CREATE INDEX memory_by_expiry ON memory (expires) WHERE expires IS NOT NULL;
