// Nodes of one label. Each is looked at again at the end: what is being deleted at this moment may have been read in part.
UNWIND $rows AS r
MATCH (n:`%label%` {id: r.id})
USING INDEX SEEK n:`%label%`(id)
WITH collect([r.at, n, properties(n)]) AS found
RETURN [one IN found WHERE (one[1]).id IS NOT NULL | [one[0], one[2]]]
