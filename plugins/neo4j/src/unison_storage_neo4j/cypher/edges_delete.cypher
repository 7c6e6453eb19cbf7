// Removes edges between nodes of two labels; locked first, see nodes_delete.
UNWIND $rows AS r
MATCH (a:`%source%` {id: r.source})-[e:$(r.type) {key: r.key}]->(b:`%target%` {id: r.target})
USING INDEX SEEK a:`%source%`(id)
USING INDEX SEEK b:`%target%`(id)
SET e.`_lock` = true
WITH r, e WHERE properties(e).key IS NOT NULL
DELETE e
RETURN collect([r.at, false])
