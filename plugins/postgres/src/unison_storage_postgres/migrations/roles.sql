-- Roles that own nothing. Run it as the owner of the tables, after migrate; it may be run again.
-- Then give them to those who log in, each with a password of its own:
--   CREATE ROLE service LOGIN PASSWORD '…' IN ROLE unison_storage_application;
--   CREATE ROLE sweeper LOGIN PASSWORD '…' IN ROLE unison_storage_keeper;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'unison_storage_application') THEN
        CREATE ROLE unison_storage_application NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'unison_storage_keeper') THEN
        CREATE ROLE unison_storage_keeper NOLOGIN;
    END IF;
END
$$;

-- nobody makes tables beside these but their owner
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO unison_storage_application, unison_storage_keeper;

-- what a service does: reads and writes rows, and looks at the schema's revision
GRANT SELECT, INSERT, UPDATE, DELETE ON memory_entries, objects, blobs, graph_nodes, graph_edges
    TO unison_storage_application;
GRANT SELECT ON unison_storage_migrations, unison_storage_mark, memory_sessions, object_files
    TO unison_storage_application, unison_storage_keeper;

-- what sweep does: removes what has expired, which it locks first
GRANT SELECT, UPDATE, DELETE ON memory_entries, objects, blobs TO unison_storage_keeper;
