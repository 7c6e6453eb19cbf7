// Makes or merges edges between nodes of two labels, each once; answers which have both ends, and which were made. A
// row is place, type, the ids of both ends, key and properties.
UNWIND $rows AS r
MATCH (a:`%source%` {id: r[2]})
USING INDEX SEEK a:`%source%`(id)
MATCH (b:`%target%` {id: r[3]})
USING INDEX SEEK b:`%target%`(id)
MERGE (a)-[e:$(r[1]) {key: r[4]}]->(b)
ON CREATE SET e.`_made` = true
WITH r, e, e.`_made` IS NOT NULL AS made
SET e += r[5]
WITH r[0] AS at, CASE WHEN made THEN r[0] END AS new
RETURN [collect(at), collect(new), []]
