"""The SQL of the graph. Statements are whole, as those of memory are; walks are functions that the migration makes.

A node is sought by its *place*: space, label and id, with the first segment of the space. Each statement takes arrays,
one for each column, and answers with the place of an item in the batch (from 1) in front. Rows are locked in one
order. That both ends of an edge are there is seen to by foreign keys: what was added or removed in between fails with
23503, and is done again.
"""

from __future__ import annotations

from typing import Final

from unison_storage_postgres.arrays import bigint, text, texts
from unison_storage_postgres.statements import Statement

NODES_GET: Final = Statement(
    "nodes_get",
    """
    SELECT wanted.at, n.properties::text, n.person
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
        WITH ORDINALITY AS wanted (first_segment, space, label, id, at)
    JOIN graph_nodes AS n USING (first_segment, space, label, id)
    """,
    (texts, texts, texts, texts),
)

NODES_UPSERT: Final = Statement(
    "nodes_upsert",
    """
    WITH given AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
            WITH ORDINALITY AS given (first_segment, space, label, id, properties, changes, person, at)
    ), locked AS (
        SELECT n.node, n.first_segment, given.at, given.changes, given.person
        FROM graph_nodes AS n JOIN given USING (first_segment, space, label, id)
        ORDER BY n.node FOR NO KEY UPDATE OF n
    ), merged AS (
        UPDATE graph_nodes AS n SET
            properties = unison_storage_merged(n.properties, locked.changes::json),
            person = coalesce(n.person, locked.person)
        FROM locked
        WHERE n.node = locked.node AND n.first_segment = locked.first_segment
            AND (locked.person IS NULL OR n.person IS NULL OR n.person = locked.person)
        RETURNING locked.at
    ), made AS (
        INSERT INTO graph_nodes (first_segment, space, label, id, properties, person)
        SELECT given.first_segment, given.space, given.label, given.id, given.properties::json, given.person
        FROM given WHERE NOT EXISTS (SELECT 1 FROM locked WHERE locked.at = given.at)
        ORDER BY given.space COLLATE "C", given.label COLLATE "C", given.id COLLATE "C"
        ON CONFLICT DO NOTHING
        RETURNING first_segment, space, label, id
    )
    SELECT at, false FROM merged
    UNION ALL
    SELECT given.at, true FROM made JOIN given USING (first_segment, space, label, id)
    """,
    (texts, texts, texts, texts, texts, texts, texts),
    writes=True,
)

# Answers whether each that was there went.
NODES_DELETE: Final = Statement(
    "nodes_delete",
    """
    WITH locked AS (
        SELECT wanted.at, n.node, n.first_segment
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
            WITH ORDINALITY AS wanted (first_segment, space, label, id, at)
        JOIN graph_nodes AS n USING (first_segment, space, label, id)
        ORDER BY n.node FOR UPDATE OF n
    ), gone AS (
        DELETE FROM graph_nodes AS n USING locked
        WHERE n.node = locked.node AND n.first_segment = locked.first_segment
            AND NOT EXISTS (SELECT 1 FROM graph_edges AS e WHERE e.source = n.node)
            AND NOT EXISTS (SELECT 1 FROM graph_edges AS e WHERE e.target = n.node)
        RETURNING locked.at
    )
    SELECT locked.at, gone.at IS NOT NULL FROM locked LEFT JOIN gone USING (at)
    """,
    (texts, texts, texts, texts),
    writes=True,
)

NODES_DETACH: Final = Statement(
    "nodes_detach",
    """
    WITH locked AS (
        SELECT wanted.at, n.node, n.first_segment
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
            WITH ORDINALITY AS wanted (first_segment, space, label, id, at)
        JOIN graph_nodes AS n USING (first_segment, space, label, id)
        ORDER BY n.node FOR UPDATE OF n
    ), cut AS (
        DELETE FROM graph_edges AS e USING (
            SELECT o.source, o.type, o.target, o.key, o.first_segment
            FROM locked JOIN graph_edges AS o ON o.source = locked.node AND o.first_segment = locked.first_segment
            UNION
            SELECT i.source, i.type, i.target, i.key, i.first_segment
            FROM locked JOIN graph_edges AS i ON i.target = locked.node AND i.first_segment = locked.first_segment
        ) AS its
        WHERE e.source = its.source AND e.type = its.type AND e.target = its.target AND e.key = its.key
            AND e.first_segment = its.first_segment
    )
    DELETE FROM graph_nodes AS n USING locked
    WHERE n.node = locked.node AND n.first_segment = locked.first_segment
    RETURNING locked.at, true
    """,
    (texts, texts, texts, texts),
    writes=True,
)

# Both ends come first, always: joined with one end alone, all edges of a node would be gone through for each.
_BETWEEN: Final = """
        SELECT s.node AS source, given.type, t.node AS target, given.key, given.first_segment, given.at
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
            WITH ORDINALITY AS given
                (first_segment, space, source_label, source_id, target_label, target_id, type, key, at)
        JOIN graph_nodes AS s ON s.first_segment = given.first_segment AND s.space = given.space
            AND s.label = given.source_label AND s.id = given.source_id
        JOIN graph_nodes AS t ON t.first_segment = given.first_segment AND t.space = given.space
            AND t.label = given.target_label AND t.id = given.target_id
    """

# For each whose ends are both there.
EDGES_LOOK: Final = Statement(
    "edges_look",
    """
    WITH wanted AS MATERIALIZED ({between})
    SELECT wanted.at, e.properties::text, e.person
    FROM wanted LEFT JOIN graph_edges AS e USING (source, type, target, key, first_segment)
    """.replace("{between}", _BETWEEN),
    (texts, texts, texts, texts, texts, texts, texts, texts),
)

EDGES_UPSERT: Final = Statement(
    "edges_upsert",
    """
    WITH given AS (
        SELECT s.node AS source, given.type, t.node AS target, given.key, given.first_segment,
            given.properties, given.changes, given.person, given.at
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::text[], $11::text[])
            WITH ORDINALITY AS given
                (first_segment, space, source_label, source_id, target_label, target_id, type, key,
                properties, changes, person, at)
        JOIN graph_nodes AS s ON s.first_segment = given.first_segment AND s.space = given.space
            AND s.label = given.source_label AND s.id = given.source_id
        JOIN graph_nodes AS t ON t.first_segment = given.first_segment AND t.space = given.space
            AND t.label = given.target_label AND t.id = given.target_id
    ), locked AS (
        SELECT e.source, e.type, e.target, e.key, e.first_segment, given.at, given.changes, given.person
        FROM graph_edges AS e JOIN given USING (source, type, target, key, first_segment)
        ORDER BY e.source, e.type, e.target, e.key FOR NO KEY UPDATE OF e
    ), merged AS (
        UPDATE graph_edges AS e SET
            properties = unison_storage_merged(e.properties, locked.changes::json),
            person = coalesce(e.person, locked.person)
        FROM locked
        WHERE e.source = locked.source AND e.type = locked.type AND e.target = locked.target AND e.key = locked.key
            AND e.first_segment = locked.first_segment
            AND (locked.person IS NULL OR e.person IS NULL OR e.person = locked.person)
        RETURNING locked.at
    ), made AS (
        INSERT INTO graph_edges (source, type, target, key, first_segment, properties, person)
        SELECT given.source, given.type, given.target, given.key, given.first_segment, given.properties::json,
            given.person
        FROM given WHERE NOT EXISTS (SELECT 1 FROM locked WHERE locked.at = given.at)
        ORDER BY given.source, given.type COLLATE "C", given.target, given.key COLLATE "C"
        ON CONFLICT DO NOTHING
        RETURNING source, type, target, key, first_segment
    )
    SELECT at, false FROM merged
    UNION ALL
    SELECT given.at, true FROM made JOIN given USING (source, type, target, key, first_segment)
    """,
    (texts, texts, texts, texts, texts, texts, texts, texts, texts, texts, texts),
    writes=True,
)

EDGES_DELETE: Final = Statement(
    "edges_delete",
    """
    WITH wanted AS MATERIALIZED ({between}), locked AS (
        SELECT e.source, e.type, e.target, e.key, e.first_segment, wanted.at
        FROM graph_edges AS e JOIN wanted USING (source, type, target, key, first_segment)
        ORDER BY e.source, e.type, e.target, e.key FOR UPDATE OF e
    )
    DELETE FROM graph_edges AS e USING locked
    WHERE e.source = locked.source AND e.type = locked.type AND e.target = locked.target AND e.key = locked.key
        AND e.first_segment = locked.first_segment
    RETURNING locked.at, true
    """.replace("{between}", _BETWEEN),
    (texts, texts, texts, texts, texts, texts, texts, texts),
    writes=True,
)

NODES_FIND: Final = Statement(
    "nodes_find",
    """
    SELECT id, properties::text, person FROM graph_nodes
    WHERE first_segment = $1::text AND space = $2::text AND label = $3::text AND id > $4::text
        AND ($5::text IS NULL OR properties::jsonb @> $5::text::jsonb)
    ORDER BY id LIMIT $6::bigint
    """,
    (text, text, text, text, text, bigint),
)

NODES_SCAN: Final = Statement(
    "nodes_scan",
    """
    SELECT space, label, id, properties::text, person FROM graph_nodes
    WHERE (space, label, id) > ($1::text, $2::text, $3::text)
    ORDER BY space, label, id LIMIT $4::bigint
    """,
    (text, text, text, bigint),
)

_NODES_OF_PERSON: Final = """
    SELECT node, first_segment FROM graph_nodes WHERE person = $1::text OR (label = 'Person' AND id = $1::text)
    """

_NODES_OF_SPACE: Final = (
    "SELECT node, first_segment FROM graph_nodes WHERE first_segment = $1::text AND space = $2::text"
)

_EDGES_OF_NODES: Final = """
    SELECT o.source, o.type, o.target, o.key, o.first_segment
    FROM nodes JOIN graph_edges AS o ON o.source = nodes.node AND o.first_segment = nodes.first_segment
    UNION
    SELECT i.source, i.type, i.target, i.key, i.first_segment
    FROM nodes JOIN graph_edges AS i ON i.target = nodes.node AND i.first_segment = nodes.first_segment
    """

_EDGES_OF_PERSON: Final = "SELECT source, type, target, key, first_segment FROM graph_edges WHERE person = $1::text"

_COUNTED: Final = """
    WITH nodes AS ({nodes}), edges AS ({edges}) SELECT (SELECT count(*) FROM nodes) + (SELECT count(*) FROM edges)
    """

_DROPPED: Final = """
    WITH nodes AS ({nodes} ORDER BY node FOR UPDATE), edges AS ({edges}), cut AS (
        DELETE FROM graph_edges AS e USING edges
        WHERE e.source = edges.source AND e.type = edges.type AND e.target = edges.target AND e.key = edges.key
            AND e.first_segment = edges.first_segment
        RETURNING 1
    ), gone AS (
        DELETE FROM graph_nodes AS n USING nodes WHERE n.node = nodes.node AND n.first_segment = nodes.first_segment
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM cut)
    """

GRAPH_OWNED: Final = Statement(
    "graph_owned",
    _COUNTED.format(nodes=_NODES_OF_PERSON, edges=f"{_EDGES_OF_NODES} UNION {_EDGES_OF_PERSON}"),
    (text,),
)

GRAPH_ERASE: Final = Statement(
    "graph_erase",
    _DROPPED.format(nodes=_NODES_OF_PERSON, edges=f"{_EDGES_OF_NODES} UNION {_EDGES_OF_PERSON}"),
    (text,),
    writes=True,
)

GRAPH_CLEAR: Final = Statement(
    "graph_clear", _DROPPED.format(nodes=_NODES_OF_SPACE, edges=_EDGES_OF_NODES), (text, text), writes=True
)

GRAPH_STATS: Final = Statement(
    "graph_stats",
    """
    SELECT 'node', label, count(*) FROM graph_nodes GROUP BY label
    UNION ALL
    SELECT 'edge', type, count(*) FROM graph_edges GROUP BY type
    """,
)

GRAPH_STATS_OF_SPACE: Final = Statement(
    "graph_stats_of_space",
    """
    SELECT 'node', label, count(*) FROM graph_nodes WHERE first_segment = $1::text AND space = $2::text GROUP BY label
    UNION ALL
    SELECT 'edge', e.type, count(*)
    FROM graph_nodes AS s JOIN graph_edges AS e ON e.source = s.node AND e.first_segment = s.first_segment
    WHERE s.first_segment = $1::text AND s.space = $2::text GROUP BY e.type
    """,
    (text, text),
)
