// What can be reached from several nodes of one label, each node at its least depth from any of them; see walk.
UNWIND $ids AS id
MATCH (s:`%label%` {id: id})
MATCH p = (s)%left%[*1..%depth%]%right%(m)
WHERE all(n IN nodes(p) WHERE n.id IS :: STRING NOT NULL)
  AND all(e IN relationships(p) WHERE $types IS NULL OR type(e) IN $types)
  AND NOT [labels(m)[0], m.id] IN $starts
WITH m, min(length(p)) AS depth
ORDER BY depth, labels(m)[0], m.id LIMIT $limit
WITH collect([labels(m)[0], depth, properties(m), m]) AS found
RETURN [[one IN found | one[0..3]], all(one IN found WHERE (one[3]).id IS NOT NULL)]
