"""The graph on Neo4j for unison-storage. Importing this imports no driver."""
