// Nodes of one label and of all spaces, in order of their ids; looked at again, see nodes_get.
MATCH (n:`%label%`)
WHERE n.id > $after AND labels(n)[0] = '%label%'
WITH n ORDER BY n.id LIMIT $limit
WITH collect([n, properties(n)]) AS found
RETURN [[one IN found | one[1]], all(one IN found WHERE (one[0]).id IS NOT NULL)]
