"""The graph: nodes, edges, and the walks along them that are done on the server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSON


def upgrade(op: Operations) -> None:
    """Make what the graph needs."""
    _tables(op)
    for function in (_MERGED, _BESIDE, _REACHED, _PATH):
        op.execute(function)


def _tables(op: Operations) -> None:
    op.create_table(
        "graph_nodes",
        sa.Column("node", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("first_segment", sa.Text(collation="C"), nullable=False),
        sa.Column("space", sa.Text(collation="C"), nullable=False),
        sa.Column("label", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("properties", JSON, nullable=False),
        sa.Column("person", sa.Text(collation="C")),
        sa.PrimaryKeyConstraint("node", "first_segment"),
        sa.UniqueConstraint("space", "label", "id", "first_segment", name="graph_nodes_place"),
    )
    op.create_index("graph_nodes_person", "graph_nodes", ["person"], postgresql_where=sa.text("person IS NOT NULL"))
    op.create_index("graph_nodes_person_itself", "graph_nodes", ["id"], postgresql_where=sa.text("label = 'Person'"))
    ends = ["graph_nodes.node", "graph_nodes.first_segment"]
    op.create_table(
        "graph_edges",
        sa.Column("source", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("target", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("first_segment", sa.Text(collation="C"), nullable=False),
        sa.Column("properties", JSON, nullable=False),
        sa.Column("person", sa.Text(collation="C")),
        sa.PrimaryKeyConstraint("source", "type", "target", "key", "first_segment"),
        sa.ForeignKeyConstraint(["source", "first_segment"], ends, name="graph_edges_from"),
        sa.ForeignKeyConstraint(["target", "first_segment"], ends, name="graph_edges_into"),
    )
    op.create_index("graph_edges_target", "graph_edges", ["target", "type", "source"])
    op.create_index("graph_edges_person", "graph_edges", ["person"], postgresql_where=sa.text("person IS NOT NULL"))


# json keeps each value as it was written, and takes a property away where null is given
_MERGED = """
    CREATE FUNCTION unison_storage_merged(stored json, given json) RETURNS json LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT coalesce(json_object_agg(kept.key, kept.value), '{}'::json)
        FROM (
            SELECT new.key, new.value FROM json_each(given) AS new WHERE json_typeof(new.value) <> 'null'
            UNION ALL
            SELECT old.key, old.value FROM json_each(stored) AS old
            WHERE NOT EXISTS (SELECT 1 FROM json_each(given) AS new WHERE new.key = old.key)
        ) AS kept
    )
"""

# An arm that is not asked for costs nothing: its condition is looked at before its first row.
_BESIDE = """
    CREATE FUNCTION unison_storage_beside(segment text, frontier bigint[], way text, types text[])
    RETURNS TABLE (node bigint) LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT e.target FROM unnest(frontier) AS f (node)
        JOIN graph_edges AS e ON e.source = f.node AND e.first_segment = segment
        WHERE way <> 'in' AND types IS NULL
        UNION ALL
        SELECT e.target FROM unnest(frontier) AS f (node)
        JOIN graph_edges AS e ON e.source = f.node AND e.first_segment = segment AND e.type = ANY (types)
        WHERE way <> 'in' AND types IS NOT NULL
        UNION ALL
        SELECT e.source FROM unnest(frontier) AS f (node)
        JOIN graph_edges AS e ON e.target = f.node AND e.first_segment = segment
        WHERE way <> 'out' AND types IS NULL
        UNION ALL
        SELECT e.source FROM unnest(frontier) AS f (node)
        JOIN graph_edges AS e ON e.target = f.node AND e.first_segment = segment AND e.type = ANY (types)
        WHERE way <> 'out' AND types IS NOT NULL
    $$
"""

# Level by level, so that a circle is walked once, however deep a walk may go; a recursive query would walk it again at
# each depth. All of it sees the snapshot of the statement that calls it, since the function is stable.
_REACHED = """
    CREATE FUNCTION unison_storage_reached(
        segment text, starts bigint[], way text, types text[], max_depth bigint, max_nodes bigint
    ) RETURNS TABLE (node bigint, depth bigint) LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
    DECLARE
        frontier bigint[] := starts;
        seen bigint[] := starts;
        room bigint := max_nodes;
    BEGIN
        FOR level IN 1 .. max_depth LOOP
            frontier := ARRAY(
                SELECT b.node FROM unison_storage_beside(segment, frontier, way, types) AS b
                EXCEPT SELECT s.node FROM unnest(seen) AS s (node)
            );
            RETURN QUERY SELECT f.node, level::bigint FROM unnest(frontier) AS f (node);
            room := room - cardinality(frontier);
            EXIT WHEN room < 0 OR cardinality(frontier) = 0;
            seen := seen || frontier;
        END LOOP;
    END
    $$
"""

# From both ends, the smaller frontier first and whole levels: where they meet first no shorter way is left. What was
# met is followed back level by level.
_PATH = """
    CREATE FUNCTION unison_storage_path(
        segment text, source bigint, target bigint, way text, types text[], max_depth bigint
    ) RETURNS bigint[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
    DECLARE
        back text := CASE way WHEN 'out' THEN 'in' WHEN 'in' THEN 'out' ELSE way END;
        ahead bigint[] := ARRAY[source];
        behind bigint[] := ARRAY[target];
        came bigint[] := ahead;
        goes bigint[] := behind;
        came_at bigint[] := ARRAY[0];
        goes_at bigint[] := ARRAY[0];
        depth bigint := 0;
        height bigint := 0;
        path bigint[] := CASE WHEN source = target THEN ahead ELSE '{}' END;
    BEGIN
        WHILE cardinality(path) = 0 LOOP
            IF source IS NULL OR target IS NULL OR depth + height >= max_depth
                    OR cardinality(ahead) = 0 OR cardinality(behind) = 0 THEN
                RETURN NULL;
            END IF;
            IF cardinality(ahead) <= cardinality(behind) THEN
                ahead := ARRAY(
                    SELECT b.node FROM unison_storage_beside(segment, ahead, way, types) AS b
                    EXCEPT SELECT s.node FROM unnest(came) AS s (node)
                );
                depth := depth + 1;
                came := came || ahead;
                came_at := came_at || array_fill(depth, ARRAY[cardinality(ahead)]);
            ELSE
                behind := ARRAY(
                    SELECT b.node FROM unison_storage_beside(segment, behind, back, types) AS b
                    EXCEPT SELECT s.node FROM unnest(goes) AS s (node)
                );
                height := height + 1;
                goes := goes || behind;
                goes_at := goes_at || array_fill(height, ARRAY[cardinality(behind)]);
            END IF;
            path := ARRAY(SELECT a.node FROM unnest(ahead) AS a (node) INTERSECT SELECT unnest(behind) LIMIT 1);
        END LOOP;
        FOR level IN REVERSE depth - 1 .. 0 LOOP
            path := (
                SELECT b.node FROM unison_storage_beside(segment, ARRAY[path[1]], back, types) AS b
                JOIN unnest(came, came_at) AS c (node, at) ON c.node = b.node AND c.at = level
                LIMIT 1
            ) || path;
        END LOOP;
        FOR level IN REVERSE height - 1 .. 0 LOOP
            path := path || (
                SELECT b.node FROM unison_storage_beside(segment, ARRAY[path[cardinality(path)]], way, types) AS b
                JOIN unnest(goes, goes_at) AS g (node, at) ON g.node = b.node AND g.at = level
                LIMIT 1
            );
        END LOOP;
        RETURN path;
    END
    $$
"""
