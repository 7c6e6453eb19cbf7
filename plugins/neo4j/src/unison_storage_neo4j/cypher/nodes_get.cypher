UNWIND $rows AS r
MATCH (n:`%label%` {id: r.id})
RETURN collect([r.at, properties(n)])
