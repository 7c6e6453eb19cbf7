// Nodes of one label and of all spaces, in order of their ids.
MATCH (n:`%label%`)
WHERE n.id > $after AND labels(n)[0] = '%label%'
WITH n ORDER BY n.id LIMIT $limit
RETURN collect(properties(n))
