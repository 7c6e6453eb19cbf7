UNWIND $rows AS r
MATCH (n:`%label%` {id: r.id})
RETURN collect([elementId(n), labels(n)[0], properties(n)])
