CALL () {
  MATCH (n) WHERE n.person = $person OR (n:Person AND (n.id = $person OR n.id ENDS WITH $tail))
  RETURN collect(n) AS nodes
}
CALL (nodes) { UNWIND nodes AS n MATCH (n)-[e]-() RETURN collect(DISTINCT e) AS around }
CALL () { MATCH ()-[e]->() WHERE e.person = $person RETURN collect(e) AS own }
WITH nodes, around + [e IN own WHERE NOT e IN around] AS edges
WITH nodes, edges, size(nodes) + size(edges) AS went
FOREACH (e IN edges | DELETE e)
FOREACH (n IN nodes | DETACH DELETE n)
RETURN went
