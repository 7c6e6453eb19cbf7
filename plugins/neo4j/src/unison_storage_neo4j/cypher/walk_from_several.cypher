// What can be reached from several nodes of one label, each node at its least depth from any of them.
UNWIND $ids AS id
MATCH (s:`%label%` {id: id})
MATCH p = (s)%left%[*1..%depth%]%right%(m)
WHERE all(n IN nodes(p) WHERE n.id IS :: STRING NOT NULL)
  AND all(e IN relationships(p) WHERE $types IS NULL OR type(e) IN $types)
  AND NOT [labels(m)[0], m.id] IN $starts
WITH m, min(length(p)) AS depth
ORDER BY depth, labels(m)[0], m.id LIMIT $limit
RETURN collect([labels(m)[0], depth, properties(m)])
