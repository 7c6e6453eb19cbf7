"""The SQL of the graph. Statements are whole: nothing is ever put together from input.

Nodes and edges are numbered. A node is sought by its *place*: space, label and id. A list of places or numbers goes in
as one JSON array, and CROSS JOIN keeps it the outer loop.
"""

from __future__ import annotations

from typing import Final

NODES_NUMBERS: Final = """
    SELECT wanted.key, n.node
    FROM json_each(?) AS wanted
    CROSS JOIN graph_nodes AS n ON n.space = json_extract(wanted.value, '$[0]')
        AND n.label = json_extract(wanted.value, '$[1]') AND n.id = json_extract(wanted.value, '$[2]')
"""

NODES_GET: Final = """
    SELECT wanted.key, n.properties, n.person
    FROM json_each(?) AS wanted
    CROSS JOIN graph_nodes AS n ON n.space = json_extract(wanted.value, '$[0]')
        AND n.label = json_extract(wanted.value, '$[1]') AND n.id = json_extract(wanted.value, '$[2]')
"""

NODE_PUT: Final = """
    INSERT INTO graph_nodes (space, label, id, properties, person) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (space, label, id) DO UPDATE SET properties = excluded.properties, person = excluded.person
"""

NODE_HAS_EDGES: Final = """
    SELECT EXISTS (SELECT 1 FROM graph_edges WHERE source = ?1) OR EXISTS (SELECT 1 FROM graph_edges WHERE target = ?1)
"""

# wanted: the places of source and target, the type, the key
EDGES_GET: Final = """
    SELECT wanted.key, e.edge, e.properties, e.person
    FROM json_each(?) AS wanted
    CROSS JOIN graph_nodes AS s ON s.space = json_extract(wanted.value, '$[0][0]')
        AND s.label = json_extract(wanted.value, '$[0][1]') AND s.id = json_extract(wanted.value, '$[0][2]')
    CROSS JOIN graph_nodes AS t ON t.space = json_extract(wanted.value, '$[1][0]')
        AND t.label = json_extract(wanted.value, '$[1][1]') AND t.id = json_extract(wanted.value, '$[1][2]')
    CROSS JOIN graph_edges AS e ON e.source = s.node AND e.type = json_extract(wanted.value, '$[2]')
        AND e.target = t.node AND e.key = json_extract(wanted.value, '$[3]')
"""

EDGE_PUT: Final = """
    INSERT INTO graph_edges (type, source, target, key, properties, person) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (source, type, target, key) DO UPDATE SET properties = excluded.properties, person = excluded.person
"""

EDGE_DROP: Final = "DELETE FROM graph_edges WHERE edge = ?"

EDGES_DROP_FROM: Final = "DELETE FROM graph_edges WHERE source IN (SELECT value FROM json_each(?))"

EDGES_DROP_INTO: Final = "DELETE FROM graph_edges WHERE target IN (SELECT value FROM json_each(?))"

EDGES_DROP_OF_PERSON: Final = "DELETE FROM graph_edges WHERE person = ?"

NODES_DROP: Final = "DELETE FROM graph_nodes WHERE node IN (SELECT value FROM json_each(?))"

NODES_FIND: Final = """
    SELECT id, properties, person FROM graph_nodes WHERE space = ? AND label = ? AND id > ? ORDER BY id LIMIT ?
"""

NODES_SCAN: Final = """
    SELECT label, id, properties, person FROM graph_nodes
    WHERE (space, label, id) > (?, ?, ?) ORDER BY space, label, id LIMIT ?
"""

NODES_OF_SPACE: Final = "SELECT json_group_array(node) FROM graph_nodes WHERE space = ?"

NODES_OF_PERSON: Final = """
    SELECT json_group_array(node) FROM (
        SELECT node FROM graph_nodes WHERE person = ?1
        UNION SELECT node FROM graph_nodes WHERE label = 'Person' AND substr(id, length(space) + 1) = ?1
    )
"""

COUNT_OF_PERSON: Final = """
    WITH gone (node) AS (
        SELECT node FROM graph_nodes WHERE person = ?1
        UNION SELECT node FROM graph_nodes WHERE label = 'Person' AND substr(id, length(space) + 1) = ?1
    )
    SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM (
        SELECT edge FROM graph_edges WHERE person = ?1
        UNION SELECT e.edge FROM gone CROSS JOIN graph_edges AS e ON e.source = gone.node
        UNION SELECT e.edge FROM gone CROSS JOIN graph_edges AS e ON e.target = gone.node
    ))
"""

STATS: Final = """
    SELECT 'node', label, count(*) FROM graph_nodes GROUP BY label
    UNION ALL SELECT 'edge', type, count(*) FROM graph_edges GROUP BY type
"""

STATS_OF_SPACE: Final = """
    SELECT 'node', label, count(*) FROM graph_nodes WHERE space = ?1 GROUP BY label
    UNION ALL
    SELECT 'edge', e.type, count(*) FROM graph_nodes AS s CROSS JOIN graph_edges AS e ON e.source = s.node
    WHERE s.space = ?1 GROUP BY e.type
"""

# An arm whose direction is not asked for costs nothing: its condition is looked at before its first row. The plus keeps
# the index for the condition on types that stands in the arms.
NEIGHBORS: Final = """
    WITH start (node) AS (SELECT node FROM graph_nodes WHERE space = :space AND label = :label AND id = :id),
    beside (type, key, way, node, properties, person) AS (
        SELECT e.type, e.key, 'out', e.target, e.properties, e.person
        FROM start CROSS JOIN graph_edges AS e ON e.source = start.node AND e.type >= :after_type
        WHERE :direction <> 'in'
        UNION ALL
        SELECT e.type, e.key, 'in', e.source, e.properties, e.person
        FROM start CROSS JOIN graph_edges AS e ON e.target = start.node AND e.type >= :after_type
        WHERE :direction <> 'out' AND (:direction = 'in' OR e.source <> e.target)
    )
    SELECT b.type, n.label, n.id, b.key, b.way, n.properties, n.person, b.properties, b.person
    FROM beside AS b CROSS JOIN graph_nodes AS n ON n.node = b.node
    WHERE (:labels IS NULL OR n.label IN (SELECT value FROM json_each(:labels)))
        AND (+b.type, n.label, n.id, b.key, b.way) > (:after_type, :after_label, :after_id, :after_key, :after_way)
    ORDER BY b.type, n.label, n.id, b.key, b.way LIMIT :limit
"""

HOPS: Final = """
    SELECT json_group_array(node) FROM (
        SELECT e.target AS node
        FROM json_each(:frontier) AS f CROSS JOIN graph_edges AS e ON e.source = f.value /* of any type */
        WHERE :direction <> 'in'
        UNION ALL
        SELECT e.source
        FROM json_each(:frontier) AS f CROSS JOIN graph_edges AS e ON e.target = f.value /* of any type */
        WHERE :direction <> 'out'
    )
"""

LINKS: Final = """
    SELECT json_group_array(came), json_group_array(edge), json_group_array(node) FROM (
        SELECT f.value AS came, e.edge AS edge, e.target AS node
        FROM json_each(:frontier) AS f CROSS JOIN graph_edges AS e ON e.source = f.value /* of any type */
        WHERE :direction <> 'in'
        UNION ALL
        SELECT f.value, e.edge, e.source
        FROM json_each(:frontier) AS f CROSS JOIN graph_edges AS e ON e.target = f.value /* of any type */
        WHERE :direction <> 'out'
    )
"""

_ANY_TYPE = "/* of any type */"
_OF_TYPES = "AND e.type IN (SELECT value FROM json_each(:types))"

NEIGHBORS_OF_TYPES: Final = NEIGHBORS.replace("AND e.type >= :after_type", _OF_TYPES)

HOPS_OF_TYPES: Final = HOPS.replace(_ANY_TYPE, _OF_TYPES)

LINKS_OF_TYPES: Final = LINKS.replace(_ANY_TYPE, _OF_TYPES)

NODES_FIRST: Final = """
    SELECT json_group_array(node) FROM (
        SELECT n.node FROM json_each(?) AS wanted CROSS JOIN graph_nodes AS n ON n.node = wanted.value
        ORDER BY n.label, n.id LIMIT ?
    )
"""

# Four columns of one row read faster than a row for each node, and are in the order of the numbers that went in.
NODES_COLUMNS: Final = """
    SELECT json_group_array(n.label), json_group_array(n.id), '[' || coalesce(group_concat(n.properties), '') || ']',
        json_group_array(n.person)
    FROM json_each(?) AS wanted CROSS JOIN graph_nodes AS n ON n.node = wanted.value
"""

EDGES_COLUMNS: Final = """
    SELECT json_group_array(e.type), json_group_array(e.source), json_group_array(e.key),
        '[' || coalesce(group_concat(e.properties), '') || ']', json_group_array(e.person)
    FROM json_each(?) AS wanted CROSS JOIN graph_edges AS e ON e.edge = wanted.value
"""
