CALL () {
  MATCH (n)
  WHERE n.id IS NOT NULL
    AND ($space IS NULL OR (n.id STARTS WITH $space AND NOT substring(n.id, size($space)) CONTAINS $separator))
  WITH labels(n)[0] AS label, count(*) AS number
  RETURN collect([label, number]) AS nodes
}
CALL () {
  MATCH (n)-[e]->()
  WHERE n.id IS NOT NULL
    AND ($space IS NULL OR (n.id STARTS WITH $space AND NOT substring(n.id, size($space)) CONTAINS $separator))
  WITH type(e) AS type, count(*) AS number
  RETURN collect([type, number]) AS edges
}
RETURN [nodes, edges]
