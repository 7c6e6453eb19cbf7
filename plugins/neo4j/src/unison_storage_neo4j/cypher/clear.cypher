CALL () {
  MATCH (n)
  WHERE NOT labels(n)[0] STARTS WITH '__'
    AND n.id STARTS WITH $space AND NOT substring(n.id, size($space)) CONTAINS $separator
  RETURN collect(n) AS nodes
}
CALL (nodes) { UNWIND nodes AS n MATCH (n)-[e]-() RETURN count(DISTINCT e) AS edges }
WITH nodes, edges + size(nodes) AS went
FOREACH (n IN nodes | DETACH DELETE n)
RETURN went
