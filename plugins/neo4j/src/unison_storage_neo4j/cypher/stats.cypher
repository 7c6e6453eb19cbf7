CALL () {
  MATCH (n)
  WHERE n.id IS :: STRING NOT NULL AND NOT labels(n)[0] STARTS WITH '__'
    AND ($space IS NULL OR (n.id STARTS WITH $space AND NOT substring(n.id, size($space)) CONTAINS $separator))
  WITH labels(n)[0] AS label, count(*) AS number
  RETURN collect([label, number]) AS nodes
}
CALL () {
  MATCH (n)-[e]->()
  WHERE n.id IS :: STRING NOT NULL AND NOT labels(n)[0] STARTS WITH '__'
    AND ($space IS NULL OR (n.id STARTS WITH $space AND NOT substring(n.id, size($space)) CONTAINS $separator))
  WITH type(e) AS type, count(*) AS number
  RETURN collect([type, number]) AS edges
}
RETURN [nodes, edges]
