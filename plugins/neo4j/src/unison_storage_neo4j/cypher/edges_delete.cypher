// Removes edges between nodes of two labels; locked first, see nodes_delete, and sought as in edges_get.
UNWIND $rows AS r
MATCH (a:`%source%` {id: r.source})
USING INDEX SEEK a:`%source%`(id)
MATCH (b:`%target%` {id: r.target})
USING INDEX SEEK b:`%target%`(id)
CALL (r, a, b) {
  MATCH (a)-[e:$(r.type) {key: r.key}]->(b)
  RETURN e
}
SET e.`_lock` = true
WITH r, e WHERE properties(e).key IS NOT NULL
DELETE e
RETURN collect([r.at, false])
