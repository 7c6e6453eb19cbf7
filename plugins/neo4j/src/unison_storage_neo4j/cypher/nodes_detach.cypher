// Removes nodes of one label with their edges; locked first, see nodes_delete.
UNWIND $rows AS r
MATCH (n:`%label%` {id: r.id})
USING INDEX SEEK n:`%label%`(id)
SET n.`_lock` = true
WITH r, n WHERE properties(n).id IS NOT NULL
DETACH DELETE n
RETURN collect([r.at, false])
