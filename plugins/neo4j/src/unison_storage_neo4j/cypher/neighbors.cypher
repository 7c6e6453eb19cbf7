// What is beside nodes of one label. A row is place, id, and the place to go on from. A place is type, label, id, key
// and direction, parted by what sorts before all of them; a loop comes once, as out. Looked at again, see nodes_get.
UNWIND $rows AS r
CALL (r) {
  MATCH (s:`%label%` {id: r[1]})%left%[e]%right%(m)
  WHERE m.id IS :: STRING NOT NULL
    AND ($types IS NULL OR type(e) IN $types) AND ($labels IS NULL OR labels(m)[0] IN $labels)
  WITH e, m, labels(m)[0] AS label, coalesce(e.key, '') AS key, CASE startNode(e) WHEN s THEN 'out' ELSE 'in' END AS way
  WITH e, m, label, key, way, type(e) + $part + label + $part + m.id + $part + key + $part + way AS place
  WHERE r[2] IS NULL OR place > r[2]
  WITH e, m, label, key, way, place ORDER BY place LIMIT $limit
  RETURN collect([type(e), key, way, properties(e), label, properties(m)]) AS found, collect(m) AS nodes
}
WITH collect([r[0], found]) AS answers, collect(nodes) AS looked
RETURN [answers, all(nodes IN looked WHERE all(m IN nodes WHERE m.id IS NOT NULL))]
