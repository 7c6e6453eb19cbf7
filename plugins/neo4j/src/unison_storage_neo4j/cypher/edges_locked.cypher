// Locks the ends of edges in one order, ahead of what upserts them: an edge locks both its ends, and two statements
// that make new ones would wait for each other. Only a property that is really written takes a lock.
CALL () {
  UNWIND $rows AS r
  UNWIND [['%source%', r[2]], ['%target%', r[3]]] AS end
  WITH DISTINCT end ORDER BY end
  OPTIONAL MATCH (a:`%source%` {id: CASE end[0] WHEN '%source%' THEN end[1] END})
  OPTIONAL MATCH (b:`%target%` {id: CASE end[0] WHEN '%target%' THEN end[1] END})
  WITH coalesce(a, b) AS n WHERE n IS NOT NULL
  SET n.`_lock` = true
  WITH collect(n) AS locked
  FOREACH (n IN locked | REMOVE n.`_lock`)
  RETURN size(locked) AS ends
}
WITH ends
