// One hop from nodes to all that are beside them.
MATCH (n) WHERE elementId(n) IN $ids
MATCH (n)%left%[e]%right%(m)
WHERE m.id IS NOT NULL AND ($types IS NULL OR type(e) IN $types)
WITH DISTINCT m
RETURN collect([elementId(m), labels(m)[0], properties(m)])
