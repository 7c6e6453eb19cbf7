// Makes or merges nodes of one label, each once; answers which were made. A row is place, id and properties.
UNWIND $rows AS r
MERGE (n:`%label%` {id: r[1]})
ON CREATE SET n.`_made` = true
WITH r, n, n.`_made` IS NOT NULL AS made
SET n += r[2]
WITH CASE WHEN made THEN r[0] END AS at
RETURN [collect(at), []]
