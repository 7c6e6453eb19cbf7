// Nodes of one label and of exactly one space, in order of their ids; looked at again, see nodes_get.
MATCH (n:`%label%`)
WHERE n.id > $after AND n.id < $end AND NOT substring(n.id, size($space)) CONTAINS $separator
  AND all(name IN keys($where) WHERE n[name] = $where[name])
WITH n ORDER BY n.id LIMIT $limit
WITH collect([n, properties(n)]) AS found
RETURN [[one IN found | one[1]], all(one IN found WHERE (one[0]).id IS NOT NULL)]
