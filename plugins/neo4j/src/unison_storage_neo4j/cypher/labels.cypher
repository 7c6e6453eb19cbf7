// The labels that nodes have, from one on, without those of migrations.
CALL db.labels() YIELD label
WITH label WHERE label >= $from AND NOT label STARTS WITH '__'
WITH label ORDER BY label
RETURN collect(label)
