// Makes or merges nodes of one label, each once. Locked before they are looked at, so that nobody comes in between.
UNWIND $rows AS r
MERGE (n:`%label%` {id: r.id})
ON CREATE SET n.`_made` = true
SET n.`_lock` = true
WITH r, n, n.`_made` IS NOT NULL AS made, coalesce(n.person <> r.person, false) AS stranger
FOREACH (_ IN CASE WHEN stranger THEN [] ELSE [1] END |
  SET n += r.properties SET n.person = coalesce(n.person, r.person))
REMOVE n.`_lock`, n.`_made`
RETURN collect([r.at, made, stranger])
