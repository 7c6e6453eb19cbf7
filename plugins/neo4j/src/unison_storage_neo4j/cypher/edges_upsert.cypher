// Makes or merges edges between nodes of two labels, each once; one that lacks an end is not answered.
UNWIND $rows AS r
MATCH (a:`%source%` {id: r.source})
MATCH (b:`%target%` {id: r.target})
MERGE (a)-[e:$(r.type) {key: r.key}]->(b)
ON CREATE SET e.`_made` = true
SET e.`_lock` = true
WITH r, e, e.`_made` IS NOT NULL AS made, coalesce(e.person <> r.person, false) AS stranger
FOREACH (_ IN CASE WHEN stranger THEN [] ELSE [1] END |
  SET e += r.properties SET e.person = coalesce(e.person, r.person))
REMOVE e.`_lock`, e.`_made`
RETURN collect([r.at, made, stranger])
