-- The graph. `id` is that of the contract, and `space` what stands before it in there, up to its last U+001F. TEXT
-- compares as bytes. What is long stands last, so that it is not read where the rest is enough.
CREATE TABLE graph_nodes (
    node INTEGER PRIMARY KEY,
    space TEXT NOT NULL,
    label TEXT NOT NULL,
    id TEXT NOT NULL,
    person TEXT,
    properties TEXT NOT NULL,
    UNIQUE (space, label, id)
);

CREATE INDEX graph_nodes_of_person ON graph_nodes (person) WHERE person IS NOT NULL;

-- The nodes that are persons, by their ids without the space: an erasure looks for them in all spaces.
CREATE INDEX graph_persons ON graph_nodes (substr(id, length(space) + 1)) WHERE label = 'Person';

-- Whoever removes a node removes its edges first, in the same transaction. Both indexes hold all that a walk needs.
CREATE TABLE graph_edges (
    edge INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    source INTEGER NOT NULL,
    target INTEGER NOT NULL,
    key TEXT NOT NULL,
    person TEXT,
    properties TEXT NOT NULL,
    UNIQUE (source, type, target, key)
);

CREATE INDEX graph_edges_into ON graph_edges (target, type, source, key);

CREATE INDEX graph_edges_of_person ON graph_edges (person) WHERE person IS NOT NULL;
