// Does the same for edges that belong to somebody, each row with its person; see nodes_claim.
UNWIND $rows AS r
MATCH (a:`%source%` {id: r[2]})
USING INDEX SEEK a:`%source%`(id)
MATCH (b:`%target%` {id: r[3]})
USING INDEX SEEK b:`%target%`(id)
MERGE (a)-[e:$(r[1]) {key: r[4]}]->(b)
ON CREATE SET e.`_made` = true
SET e.`_lock` = true
WITH r, e, e.`_made` IS NOT NULL AS made, coalesce(e.person <> r[6], false) AS stranger
SET e += CASE WHEN stranger THEN $none ELSE r[5] END
WITH r[0] AS at, CASE WHEN made THEN r[0] END AS new, CASE WHEN stranger THEN r[0] END AS refused
RETURN [collect(at), collect(new), collect(refused)]
