internal import GRDB

/// The journal's tables. Migrations are only ever added.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: rollouts, events, leases, inbox") { db in
            try db.execute(
                sql: """
                    CREATE TABLE rollouts (
                        id TEXT PRIMARY KEY,
                        name TEXT NOT NULL,
                        revision TEXT NOT NULL,
                        target TEXT NOT NULL,
                        "key" TEXT UNIQUE,
                        started INTEGER NOT NULL,
                        finished INTEGER,
                        outcome TEXT
                    ) STRICT;
                    CREATE UNIQUE INDEX one_under_way_per_target ON rollouts (target) WHERE finished IS NULL;
                    CREATE INDEX rollouts_by_name ON rollouts (name, started);
                    CREATE INDEX rollouts_by_start ON rollouts (started);
                    CREATE TABLE events (
                        rollout TEXT NOT NULL REFERENCES rollouts (id),
                        position INTEGER NOT NULL,
                        time INTEGER NOT NULL,
                        name TEXT NOT NULL,
                        payload TEXT NOT NULL,
                        hash BLOB NOT NULL,
                        PRIMARY KEY (rollout, position)
                    ) STRICT, WITHOUT ROWID;
                    CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
                        BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
                    CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
                        BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
                    CREATE TABLE leases (
                        rollout TEXT PRIMARY KEY REFERENCES rollouts (id),
                        epoch INTEGER NOT NULL,
                        expires INTEGER NOT NULL,
                        host TEXT NOT NULL,
                        boot TEXT NOT NULL,
                        pid INTEGER NOT NULL,
                        pid_started INTEGER NOT NULL
                    ) STRICT;
                    CREATE TABLE inbox (
                        id TEXT PRIMARY KEY,
                        rollout TEXT NOT NULL REFERENCES rollouts (id),
                        sent INTEGER NOT NULL,
                        command TEXT NOT NULL,
                        answered INTEGER,
                        refusal TEXT
                    ) STRICT;
                    CREATE INDEX inbox_waiting ON inbox (rollout) WHERE answered IS NULL;
                    """)
        }
        return migrator
    }
}
