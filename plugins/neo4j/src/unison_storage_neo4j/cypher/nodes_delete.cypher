// Removes nodes of one label that have no edges; answers of each whether it has. Locked before they are looked at: one
// that somebody else has removed meanwhile is an error then, and is looked for anew.
UNWIND $rows AS r
MATCH (n:`%label%` {id: r.id})
USING INDEX SEEK n:`%label%`(id)
SET n.`_lock` = true
WITH r, n WHERE properties(n).id IS NOT NULL
WITH r, n, EXISTS { (n)--() } AS busy
FOREACH (_ IN CASE WHEN busy THEN [1] ELSE [] END | REMOVE n.`_lock`)
FOREACH (_ IN CASE WHEN busy THEN [] ELSE [1] END | DELETE n)
RETURN collect([r.at, busy])
