// Nodes of one label and of exactly one space, in order of their ids.
MATCH (n:`%label%`)
WHERE n.id > $after AND n.id < $end AND NOT substring(n.id, size($space)) CONTAINS $separator
  AND all(name IN keys($where) WHERE n[name] = $where[name])
WITH n ORDER BY n.id LIMIT $limit
RETURN collect(properties(n))
