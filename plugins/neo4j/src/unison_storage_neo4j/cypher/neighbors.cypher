// What is beside nodes of one label. A place is type, label, id, key and direction, parted by what sorts before all of
// them; in direction both a loop comes once, as out.
UNWIND $rows AS r
CALL (r) {
  CALL (r) {
    MATCH (s:`%label%` {id: r.id})-[e]->(m) WHERE r.out
    RETURN e, m, 'out' AS way
    UNION ALL
    MATCH (s:`%label%` {id: r.id})<-[e]-(m) WHERE r.in AND NOT (r.out AND s = m)
    RETURN e, m, 'in' AS way
  }
  WITH r, e, m, way, labels(m)[0] AS label, coalesce(e.key, '') AS key
  WHERE m.id IS NOT NULL AND (r.types IS NULL OR type(e) IN r.types) AND (r.labels IS NULL OR label IN r.labels)
  WITH r, e, m, way, label, key, type(e) + $part + label + $part + m.id + $part + key + $part + way AS place
  WHERE r.after IS NULL OR place > r.after
  WITH r, e, m, way, label, key, place ORDER BY place
  WITH r, collect([type(e), key, way, properties(e), label, properties(m)]) AS places
  RETURN places[0..r.limit] AS found
}
RETURN collect([r.at, found])
