// What can be reached from one node, breadth first, each node at its least depth. Ends as soon as there is enough.
MATCH (s:`%label%` {id: $ids[0]})
MATCH p = (s)%left%[*1..%depth%]%right%(m)
WHERE all(n IN nodes(p) WHERE n.id IS :: STRING NOT NULL)
  AND all(e IN relationships(p) WHERE $types IS NULL OR type(e) IN $types)
  AND NOT [labels(m)[0], m.id] IN $starts
WITH m, min(length(p)) AS depth
ORDER BY depth, labels(m)[0], m.id LIMIT $limit
RETURN collect([labels(m)[0], depth, properties(m)])
