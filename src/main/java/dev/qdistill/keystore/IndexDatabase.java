package dev.qdistill.keystore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConfig.JournalMode;
import org.sqlite.SQLiteConfig.Pragma;
import org.sqlite.SQLiteConfig.SynchronousMode;
import org.sqlite.SQLiteConfig.TempStore;

/**
 * The SQLite database of an {@link IndexedKeyStore}: one connection, for one thread at a time. A transaction that has
 * been committed is on the disk (write-ahead log, synchronous FULL); transactions of several processes come one after the
 * other. Holds no key bits.
 */
final class IndexDatabase implements AutoCloseable {
    static final String FILE = "index.db";
    private static final int APPLICATION = 0x514b4958; // QKIX
    private static final int VERSION = 1;
    private static final int BUSY_MILLIS = 20_000;

    private static final String[] SCHEMA = {
        // One row a key, also after its bits are gone. Times in milliseconds since 1970. first_free counts in 64 bits
        // from
        // the key's first; own_left and peer_left are what is left of the two halves, in the same unit.
        """
        CREATE TABLE key (
          number INTEGER PRIMARY KEY,
          id BLOB NOT NULL UNIQUE,
          name INTEGER NOT NULL,
          link TEXT NOT NULL,
          site INTEGER NOT NULL,
          session BLOB NOT NULL,
          block INTEGER NOT NULL,
          bits INTEGER NOT NULL,
          epsilon_secrecy REAL NOT NULL,
          epsilon_correctness REAL NOT NULL,
          created INTEGER NOT NULL,
          state INTEGER NOT NULL,
          changed INTEGER NOT NULL,
          expires INTEGER NOT NULL,
          wiped INTEGER NOT NULL,
          touched INTEGER NOT NULL,
          first_free INTEGER NOT NULL,
          own_left INTEGER NOT NULL,
          peer_left INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX key_by_name ON key (name)",
        "CREATE INDEX key_by_block ON key (session, block)",
        "CREATE INDEX key_by_link ON key (link, state, created)",
        // Parts of a key of 4096 bytes: which 64 bits of it are spent, and the SHA-256 of it with those as zeros.
        """
        CREATE TABLE segment (
          key INTEGER NOT NULL,
          number INTEGER NOT NULL,
          hash BLOB NOT NULL,
          spent BLOB NOT NULL,
          PRIMARY KEY (key, number)
        ) STRICT, WITHOUT ROWID
        """,
        // What was handed out and has not been confirmed yet.
        """
        CREATE TABLE handout (
          number INTEGER PRIMARY KEY,
          owner TEXT NOT NULL,
          link TEXT NOT NULL,
          entry TEXT NOT NULL,
          key INTEGER NOT NULL,
          keys INTEGER NOT NULL,
          bits INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE ledger (
          link TEXT NOT NULL,
          entry TEXT NOT NULL,
          keys INTEGER NOT NULL,
          bits INTEGER NOT NULL,
          epsilon_secrecy REAL NOT NULL,
          epsilon_correctness REAL NOT NULL,
          PRIMARY KEY (link, entry)
        ) STRICT, WITHOUT ROWID
        """
    };

    private final Path file;
    private final Connection connection;
    private final Map<String, PreparedStatement> statements = new HashMap<>();

    private IndexDatabase(Path file, Connection connection) {
        this.file = file;
        this.connection = connection;
    }

    /** What is done in a transaction. */
    interface Work<T> {
        T run() throws SQLException, IOException;
    }

    /** Makes something of a row. */
    interface RowReader<T> {
        T read(ResultSet row) throws SQLException;
    }

    /** Makes an empty database: complete under its name, or not there. */
    static void create(Path directory) throws IOException {
        Path temporary = directory.resolve("." + FILE + ".tmp");
        for (String suffix : new String[] {"", "-wal", "-shm", "-journal"}) {
            Files.deleteIfExists(directory.resolve(temporary.getFileName() + suffix));
        }
        Durable.write(temporary, channel -> {});
        try (Connection connection = connect(temporary);
                Statement statement = connection.createStatement()) {
            statement.execute("BEGIN IMMEDIATE");
            for (String sql : SCHEMA) {
                statement.execute(sql);
            }
            statement.execute("PRAGMA application_id = " + APPLICATION);
            statement.execute("PRAGMA user_version = " + VERSION);
            statement.execute("COMMIT");
        } catch (SQLException e) {
            throw new KeyStoreException(temporary, "make the index", e);
        }
        Durable.rename(temporary, directory.resolve(FILE));
    }

    /** @throws KeyStoreException if it is no such database, or cannot be opened */
    static IndexDatabase open(Path directory) {
        Path file = directory.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            throw new KeyStoreException(file, "no such file");
        }
        Connection connection;
        try {
            connection = connect(file);
        } catch (SQLException e) {
            throw new KeyStoreException(file, "open the index", e);
        }
        IndexDatabase database = new IndexDatabase(file, connection);
        try {
            long application = database.one("PRAGMA application_id");
            long version = database.one("PRAGMA user_version");
            if (application != APPLICATION || version != VERSION) {
                throw new KeyStoreException(
                        file,
                        application != APPLICATION
                                ? "a database, but not the index of a key store"
                                : "version " + version + " of the index; only version " + VERSION + " is supported");
            }
            return database;
        } catch (Throwable t) {
            database.close();
            throw t;
        }
    }

    private static Connection connect(Path file) throws SQLException {
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(JournalMode.WAL);
        config.setSynchronous(SynchronousMode.FULL);
        config.setBusyTimeout(BUSY_MILLIS);
        config.setTempStore(TempStore.MEMORY);
        config.setPragma(Pragma.SECURE_DELETE, "true");
        config.setPragma(Pragma.JOURNAL_SIZE_LIMIT, "1048576");
        return config.createConnection("jdbc:sqlite:" + file);
    }

    /** Does something as a whole, or not at all if it throws. */
    <T> T transaction(Work<T> work) {
        update("BEGIN IMMEDIATE");
        boolean done = false;
        try {
            T result = work.run();
            update("COMMIT");
            done = true;
            return result;
        } catch (SQLException e) {
            throw new KeyStoreException(file, "write the index", e);
        } catch (IOException e) {
            throw new KeyStoreException(file, "complete the change", e);
        } finally {
            if (!done) {
                rollback();
            }
        }
    }

    private void rollback() {
        try (Statement statement = connection.createStatement()) {
            statement.execute("ROLLBACK");
        } catch (SQLException e) {
            // A failed COMMIT may have rolled back already; what brought us here is thrown anyway.
            return;
        }
    }

    /** Runs a statement; returns the number of rows it changed. */
    int update(String sql, Object... arguments) {
        try {
            PreparedStatement statement = prepare(sql, arguments);
            if (statement.execute()) {
                return 0;
            }
            return statement.getUpdateCount();
        } catch (SQLException e) {
            throw new KeyStoreException(file, "write the index", e);
        }
    }

    /** Runs an insertion; returns the row's number. */
    long insert(String sql, Object... arguments) {
        update(sql, arguments);
        return one("SELECT last_insert_rowid()");
    }

    <T> List<T> query(String sql, RowReader<T> reader, Object... arguments) {
        try (ResultSet rows = prepare(sql, arguments).executeQuery()) {
            List<T> result = new ArrayList<>();
            while (rows.next()) {
                result.add(reader.read(rows));
            }
            return result;
        } catch (SQLException e) {
            throw new KeyStoreException(file, "read the index", e);
        }
    }

    /** The number in the one row that there is; 0 for NULL. */
    long one(String sql, Object... arguments) {
        return query(sql, row -> row.getLong(1), arguments).getFirst();
    }

    private PreparedStatement prepare(String sql, Object... arguments) throws SQLException {
        PreparedStatement statement = statements.get(sql);
        if (statement == null) {
            statement = connection.prepareStatement(sql);
            statements.put(sql, statement);
        }
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case Integer v -> statement.setInt(i + 1, v);
                case Long v -> statement.setLong(i + 1, v);
                case Double v -> statement.setDouble(i + 1, v);
                case String v -> statement.setString(i + 1, v);
                case byte[] v -> statement.setBytes(i + 1, v);
                case UUID v -> statement.setBytes(i + 1, bytes(v));
                default -> throw new IllegalArgumentException("A value of " + arguments[i].getClass());
            }
        }
        return statement;
    }

    static UUID id(byte[] bytes) {
        ByteBuffer b = ByteBuffer.wrap(bytes);
        return new UUID(b.getLong(), b.getLong());
    }

    private static byte[] bytes(UUID id) {
        return ByteBuffer.allocate(16)
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .array();
    }

    @Override
    public void close() {
        try {
            for (PreparedStatement statement : statements.values()) {
                statement.close();
            }
            statements.clear();
            connection.close();
        } catch (SQLException e) {
            throw new KeyStoreException(file, "close the index", e);
        }
    }
}
