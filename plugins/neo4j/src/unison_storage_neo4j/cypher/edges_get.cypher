UNWIND $rows AS r
MATCH (a:`%source%` {id: r.source})-[e:$(r.type) {key: r.key}]->(b:`%target%` {id: r.target})
RETURN collect([r.at, properties(e)])
