// Five edges from the node of this schema to itself. With fewer in a database the planner takes it for empty, looks for
// an edge by going through all, and keeps that plan for ten seconds, in which a first bulk load crawls.
MERGE (s:`__UnisonStorage`) FOREACH (number IN range(1, 5) | MERGE (s)-[:`__PLANNED` {number: number}]->(s));
