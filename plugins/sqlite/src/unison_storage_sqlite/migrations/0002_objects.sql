-- Objects: what is where. An expired object keeps its row until it is swept, and is not visible.
CREATE TABLE objects (
    address TEXT NOT NULL UNIQUE,
    id TEXT NOT NULL UNIQUE,
    blob TEXT NOT NULL UNIQUE,
    version TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    content_type TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    expires INTEGER,
    person TEXT
);

CREATE INDEX objects_of_person ON objects (person) WHERE person IS NOT NULL;

CREATE INDEX objects_by_expiry ON objects (expires) WHERE expires IS NOT NULL;

-- Every blob that exists or may exist. Of an available one there is a row in objects, of the others there is none.
CREATE TABLE blobs (
    blob TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('pending', 'available', 'unwanted')),
    since INTEGER NOT NULL,
    person TEXT
);

CREATE INDEX blobs_of_person ON blobs (person) WHERE person IS NOT NULL;

CREATE INDEX blobs_unwanted ON blobs (since, blob) WHERE state = 'unwanted';

CREATE INDEX blobs_pending ON blobs (since, blob) WHERE state = 'pending';
