// Does the same for nodes that belong to somebody, each row with its person; answers also which are another's. Locked
// before they are looked at, so that nobody comes in between.
UNWIND $rows AS r
MERGE (n:`%label%` {id: r[1]})
ON CREATE SET n.`_made` = true
SET n.`_lock` = true
WITH r, n, n.`_made` IS NOT NULL AS made, coalesce(n.person <> r[3], false) AS stranger
SET n += CASE WHEN stranger THEN $none ELSE r[2] END
WITH CASE WHEN made THEN r[0] END AS at, CASE WHEN stranger THEN r[0] END AS refused
RETURN [collect(at), collect(refused)]
