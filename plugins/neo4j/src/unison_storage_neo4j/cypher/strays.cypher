// What other programs have written and no call answers, or not as one would think: what, where, and how many.
CALL () {
  MATCH (n) WHERE NOT n.id IS :: STRING NOT NULL AND NOT coalesce(labels(n)[0], '') STARTS WITH '__'
  RETURN 'no id that is a text' AS what, coalesce(labels(n)[0], '') AS name, count(*) AS number
  UNION ALL
  MATCH (n) WHERE size(labels(n)) > 1
  RETURN 'several labels' AS what, reduce(all = '', one IN labels(n) | all + ':' + one) AS name, count(*) AS number
  UNION ALL
  MATCH (n)-[e]->() WHERE n.id IS NOT NULL AND NOT e.key IS :: STRING NOT NULL
  RETURN 'no key that is a text' AS what, type(e) AS name, count(*) AS number
  UNION ALL
  MATCH (n) WHERE n.id IS NOT NULL AND NOT labels(n)[0] IN $unique AND NOT labels(n)[0] STARTS WITH '__'
  RETURN 'ids that may be there twice' AS what, labels(n)[0] AS name, count(*) AS number
}
WITH what, name, number ORDER BY what, name
RETURN collect([what, name, number])
