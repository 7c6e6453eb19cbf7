// Edges between nodes of two labels; looked at again, see nodes_get. In a call of its own an edge is sought
// from both ends, whichever has fewer; the planner would go through all edges of one end otherwise.
UNWIND $rows AS r
MATCH (a:`%source%` {id: r.source})
USING INDEX SEEK a:`%source%`(id)
MATCH (b:`%target%` {id: r.target})
USING INDEX SEEK b:`%target%`(id)
CALL (r, a, b) {
  MATCH (a)-[e:$(r.type) {key: r.key}]->(b)
  RETURN e
}
WITH collect([r.at, e, properties(e)]) AS found
RETURN [one IN found WHERE (one[1]).key IS NOT NULL | [one[0], one[2]]]
