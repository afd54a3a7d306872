package dev.qdistill.keystore;

import java.util.Locale;

/**
 * A sum of a link's ledger, since its store was made.
 *
 * @param link the link
 * @param entry what is summed up
 * @param keys how many; pieces, where keys are handed out in pieces
 * @param bits of them
 * @param epsilonSecrecy the sum of ε_sec of the keys made; 0 in other entries
 * @param epsilonCorrectness the sum of ε_cor of the keys made; 0 in other entries
 */
public record LedgerLine(
        String link, Entry entry, long keys, long bits, double epsilonSecrecy, double epsilonCorrectness) {

    /** What may happen to keys. */
    public enum Entry {
        /** Made by the link, or taken over from files that the index did not know. */
        MADE,
        /** Handed out to a master of this site. */
        MASTER,
        /** Handed out by id to a slave of this site. */
        SLAVE,
        /** Taken as a whole. */
        TAKEN,
        /** Spent, but whether it arrived is not known: the answer failed, or the machine stopped. */
        UNCONFIRMED,
        /** Wiped because its time was over; the bits that were left. */
        EXPIRED,
        /** Staged, and given up. */
        DISCARDED;

        /** The name in reports. */
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
