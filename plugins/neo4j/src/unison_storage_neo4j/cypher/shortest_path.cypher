// One of the shortest paths between two nodes, which are not the same one.
MATCH (s:`%source%` {id: $source})
MATCH (t:`%target%` {id: $target})
MATCH p = shortestPath((s)%left%[*1..%depth%]%right%(t))
WHERE all(n IN nodes(p) WHERE n.id IS :: STRING NOT NULL)
  AND all(e IN relationships(p) WHERE $types IS NULL OR type(e) IN $types)
WITH nodes(p) AS nodes, relationships(p) AS edges
RETURN [
  [n IN nodes | [labels(n)[0], properties(n)]],
  [at IN range(0, size(edges) - 1) | [type(edges[at]), properties(edges[at]), startNode(edges[at]) = nodes[at]]]
]
