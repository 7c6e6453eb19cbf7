// What can be reached from one node, breadth first, each node at its least depth. Ends as soon as there is enough.
// Looked at again, see nodes_get.
MATCH (s:`%label%` {id: $ids[0]})
MATCH p = (s)%left%[*1..%depth%]%right%(m)
WHERE all(n IN nodes(p) WHERE n.id IS :: STRING NOT NULL)
  AND all(e IN relationships(p) WHERE $types IS NULL OR type(e) IN $types)
  AND NOT [labels(m)[0], m.id] IN $starts
WITH m, min(length(p)) AS depth
ORDER BY depth, labels(m)[0], m.id LIMIT $limit
WITH collect([labels(m)[0], depth, properties(m), m]) AS found
RETURN [[one IN found | one[0..3]], all(one IN found WHERE (one[3]).id IS NOT NULL)]
