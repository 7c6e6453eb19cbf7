CALL () {
  MATCH (n) WHERE n.person = $person OR (n:Person AND (n.id = $person OR n.id ENDS WITH $tail))
  RETURN collect(n) AS nodes
}
CALL (nodes) { UNWIND nodes AS n MATCH (n)-[e]-() RETURN collect(DISTINCT e) AS around }
CALL () { MATCH ()-[e]->() WHERE e.person = $person RETURN collect(e) AS own }
RETURN size(nodes) + size(around) + size([e IN own WHERE NOT e IN around])
