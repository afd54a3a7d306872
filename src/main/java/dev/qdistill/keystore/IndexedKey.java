package dev.qdistill.keystore;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;

/**
 * A key as the index of a store knows it.
 *
 * @param number of its row
 * @param record what was known when it was made
 * @param state how far it has come
 * @param changed when it came there
 * @param expires until when this site's masters get pieces of it
 * @param touched whether pieces of it have been handed out
 * @param firstFree where the next piece for this site's masters begins, in granules of 64 bits
 * @param ownLeft granules left for this site's masters
 * @param peerLeft granules left for the other site's masters
 */
public record IndexedKey(
        long number,
        KeyRecord record,
        KeyState state,
        Instant changed,
        Instant expires,
        boolean touched,
        long firstFree,
        long ownLeft,
        long peerLeft) {
    static final String COLUMNS = "number, id, link, site, session, block, bits, epsilon_secrecy, epsilon_correctness,"
            + " created, state, changed, expires, touched, first_free, own_left, peer_left";

    static IndexedKey read(ResultSet row) throws SQLException {
        return new IndexedKey(
                row.getLong(1),
                new KeyRecord(
                        IndexDatabase.id(row.getBytes(2)),
                        row.getString(3),
                        row.getInt(4) == Site.ALICE.code() ? Site.ALICE : Site.BOB,
                        IndexDatabase.id(row.getBytes(5)),
                        row.getLong(6),
                        row.getLong(7),
                        row.getDouble(8),
                        row.getDouble(9),
                        Instant.ofEpochMilli(row.getLong(10))),
                KeyState.of(row.getInt(11)),
                Instant.ofEpochMilli(row.getLong(12)),
                Instant.ofEpochMilli(row.getLong(13)),
                row.getInt(14) != 0,
                row.getLong(15),
                row.getLong(16),
                row.getLong(17));
    }
}
