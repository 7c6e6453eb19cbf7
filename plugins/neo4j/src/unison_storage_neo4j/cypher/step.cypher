// One hop from nodes to all that are beside them, with the edges that lead there.
MATCH (n) WHERE elementId(n) IN $ids
MATCH (n)%left%[e]%right%(m)
WHERE m.id IS NOT NULL AND ($types IS NULL OR type(e) IN $types) AND NOT elementId(m) IN $seen
WITH m, head(collect([elementId(n), type(e), properties(e), startNode(e) = n])) AS came
RETURN collect([elementId(m), labels(m)[0], properties(m), came])
