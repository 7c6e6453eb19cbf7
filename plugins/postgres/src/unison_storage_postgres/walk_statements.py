"""The SQL of walks. Each is one statement, and so sees one state of the graph. Functions stand in the migration."""

from __future__ import annotations

from typing import Final

from unison_storage_postgres.arrays import bigint, text, texts, texts_or_null
from unison_storage_postgres.statements import Statement

# Questions that are asked alike: $10 direction, $11 types, $12 labels, $13 limit. An arm that is not asked for costs
# nothing, since its condition is looked at before its first row.
NEIGHBORS: Final = Statement(
    "neighbors",
    """
    SELECT asked.at, b.type, b.label, b.id, b.key, b.way, b.of_node, b.person_of_node, b.of_edge, b.person_of_edge
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[])
        WITH ORDINALITY AS asked
            (first_segment, space, label, id, after_type, after_label, after_id, after_key, after_way, at)
    JOIN graph_nodes AS s USING (first_segment, space, label, id)
    CROSS JOIN LATERAL (
        SELECT e.type, n.label, n.id, e.key, e.way, n.properties::text AS of_node, n.person AS person_of_node,
            e.properties::text AS of_edge, e.person AS person_of_edge
        FROM (
            SELECT o.type, o.key, 'out' COLLATE "C" AS way, o.target AS node, o.properties, o.person
            FROM graph_edges AS o
            WHERE $10::text <> 'in' AND $11::text[] IS NULL
                AND o.source = s.node AND o.first_segment = s.first_segment AND o.type >= asked.after_type
            UNION ALL
            SELECT o.type, o.key, 'out' COLLATE "C", o.target, o.properties, o.person
            FROM graph_edges AS o
            WHERE $10::text <> 'in' AND $11::text[] IS NOT NULL
                AND o.source = s.node AND o.first_segment = s.first_segment AND o.type = ANY ($11::text[])
            UNION ALL
            SELECT i.type, i.key, 'in' COLLATE "C", i.source, i.properties, i.person
            FROM graph_edges AS i
            WHERE $10::text <> 'out' AND $11::text[] IS NULL
                AND i.target = s.node AND i.first_segment = s.first_segment AND i.type >= asked.after_type
                AND ($10::text = 'in' OR i.source <> i.target)
            UNION ALL
            SELECT i.type, i.key, 'in' COLLATE "C", i.source, i.properties, i.person
            FROM graph_edges AS i
            WHERE $10::text <> 'out' AND $11::text[] IS NOT NULL
                AND i.target = s.node AND i.first_segment = s.first_segment AND i.type = ANY ($11::text[])
                AND ($10::text = 'in' OR i.source <> i.target)
        ) AS e
        JOIN graph_nodes AS n ON n.node = e.node AND n.first_segment = s.first_segment
        WHERE ($12::text[] IS NULL OR n.label = ANY ($12::text[]))
            AND (e.type, n.label, n.id, e.key, e.way)
                > (asked.after_type, asked.after_label, asked.after_id, asked.after_key, asked.after_way)
        ORDER BY e.type, n.label, n.id, e.key, e.way LIMIT $13::bigint
    ) AS b
    ORDER BY asked.at, b.type, b.label, b.id, b.key, b.way
    """,
    (texts, texts, texts, texts, texts, texts, texts, texts, texts, text, texts_or_null, texts_or_null, bigint),
)

# One more than are wanted, so that it shows whether something was left out. OFFSET keeps the nodes from being joined by
# hash, for which all nodes of the table would be read.
TRAVERSE: Final = Statement(
    "traverse",
    """
    SELECT n.label, n.id, r.depth, n.properties::text, n.person
    FROM unison_storage_reached(
        $1::text,
        ARRAY(
            SELECT DISTINCT s.node FROM unnest($3::text[], $4::text[]) AS wanted (label, id)
            JOIN graph_nodes AS s ON s.first_segment = $1::text AND s.space = $2::text AND s.label = wanted.label
                AND s.id = wanted.id
        ),
        $5::text, $6::text[], $7::bigint, $8::bigint
    ) AS r
    CROSS JOIN LATERAL (
        SELECT * FROM graph_nodes WHERE node = r.node AND first_segment = $1::text OFFSET 0
    ) AS n
    ORDER BY r.depth, n.label, n.id LIMIT $8::bigint + 1
    """,
    (text, text, texts, texts, text, texts_or_null, bigint, bigint),
)

# Each node of the path, and the edge to the next one, whether it leads that way, or nothing at the end.
SHORTEST_PATH: Final = Statement(
    "shortest_path",
    """
    WITH path AS (
        SELECT p.node, p.at
        FROM unnest(unison_storage_path(
            $1::text,
            (SELECT node FROM graph_nodes
                WHERE first_segment = $1::text AND space = $2::text AND label = $3::text AND id = $4::text),
            (SELECT node FROM graph_nodes
                WHERE first_segment = $1::text AND space = $2::text AND label = $5::text AND id = $6::text),
            $7::text, $8::text[], $9::bigint
        )) WITH ORDINALITY AS p (node, at)
    )
    SELECT n.label, n.id, n.properties::text, n.person, e.type, e.key, e.ahead, e.properties, e.person
    FROM path AS p
    JOIN graph_nodes AS n ON n.node = p.node AND n.first_segment = $1::text
    LEFT JOIN path AS next ON next.at = p.at + 1
    LEFT JOIN LATERAL (
        SELECT o.type, o.key, true AS ahead, o.properties::text, o.person FROM graph_edges AS o
        WHERE $7::text <> 'in' AND o.source = p.node AND o.target = next.node AND o.first_segment = $1::text
            AND ($8::text[] IS NULL OR o.type = ANY ($8::text[]))
        UNION ALL
        SELECT i.type, i.key, false, i.properties::text, i.person FROM graph_edges AS i
        WHERE $7::text <> 'out' AND i.source = next.node AND i.target = p.node AND i.first_segment = $1::text
            AND ($8::text[] IS NULL OR i.type = ANY ($8::text[]))
        LIMIT 1
    ) AS e ON true
    ORDER BY p.at
    """,
    (text, text, text, text, text, text, text, texts_or_null, bigint),
)
