// Edges between nodes of two labels; looked at again, see nodes_get.
UNWIND $rows AS r
MATCH (a:`%source%` {id: r.source})-[e:$(r.type) {key: r.key}]->(b:`%target%` {id: r.target})
USING INDEX SEEK a:`%source%`(id)
USING INDEX SEEK b:`%target%`(id)
WITH collect([r.at, e, properties(e)]) AS found
RETURN [one IN found WHERE (one[1]).key IS NOT NULL | [one[0], one[2]]]
