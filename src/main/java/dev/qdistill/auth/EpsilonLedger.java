package dev.qdistill.auth;

import dev.qdistill.keystore.Durable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What one link has spent at one site, on the disk: by the union bound the ε of all that its keys are used for is at most the
 * sum of the ε of its blocks, of its tags, and of the cuts. A block is charged before its key is staged, so a crash
 * can make their sum too large, never too small; of the tags it can lose those since the last block (each about 1e-32). A JSON file, replaced in one step. Safe for use by many threads.
 */
public final class EpsilonLedger {
    /** The file's name in the pool's directory. */
    public static final String FILE = "ledger.json";

    private final Path file;
    private final AuthenticationLog log;
    private final Totals before;
    private long blocks;
    private double secrecy;
    private double correctness;
    private double cuts;
    private long secretBits;
    private long supplyBits;

    /**
     * Sums since the link began.
     *
     * @param blocks keys made
     * @param epsilonSecrecy the sum of their ε_sec
     * @param epsilonCorrectness the sum of their ε_cor
     * @param tagsMade tags this site made
     * @param tagsChecked tags this site checked
     * @param tagsRefused those that were wrong, or whose pad was spent or unknown
     * @param epsilonAuthentication the sum of the tags' ε
     * @param epsilonCuts charged for what several blocks' keys were cut into
     * @param secretBits bits of the keys made, supplyBits included
     * @param supplyBits of these those that became authentication key
     */
    public record Totals(
            long blocks,
            double epsilonSecrecy,
            double epsilonCorrectness,
            long tagsMade,
            long tagsChecked,
            long tagsRefused,
            double epsilonAuthentication,
            double epsilonCuts,
            long secretBits,
            long supplyBits) {
        /** Nothing spent. */
        public static final Totals NONE = new Totals(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

        /** The ε of everything together. */
        public double epsilon() {
            return epsilonSecrecy + epsilonCorrectness + epsilonAuthentication + epsilonCuts;
        }
    }

    /**
     * Opens or begins a ledger.
     *
     * @param directory the pool's
     * @param log counts this run's tags
     * @throws PoolException if the file is damaged
     */
    public EpsilonLedger(Path directory, AuthenticationLog log) {
        this.file = directory.resolve(FILE);
        this.log = log;
        this.before = read(directory);
    }

    /** The ledger in a pool's directory, for a look at it. */
    public static Totals read(Path directory) {
        Path file = directory.resolve(FILE);
        try {
            return Files.exists(file)
                    ? JsonMapper.shared().readValue(Files.readString(file), Totals.class)
                    : Totals.NONE;
        } catch (IOException e) {
            throw new PoolException(file, "read the ledger", e);
        } catch (JacksonException e) {
            throw new PoolException(file, "is no ledger: " + e.getOriginalMessage());
        }
    }

    /** Charges a block. When this returns it is on the disk. */
    public synchronized void block(double epsilonSecrecy, double epsilonCorrectness, long bits, long ofThemSupply) {
        blocks++;
        secrecy += epsilonSecrecy;
        correctness += epsilonCorrectness;
        secretBits += bits;
        supplyBits += ofThemSupply;
        save();
    }

    /** Charges what several blocks' keys were cut into. */
    public synchronized void cut(double epsilon) {
        cuts += epsilon;
        save();
    }

    /** The sums now. */
    public synchronized Totals totals() {
        AuthenticationLog.Counts c = log.counts();
        return new Totals(
                before.blocks + blocks,
                before.epsilonSecrecy + secrecy,
                before.epsilonCorrectness + correctness,
                before.tagsMade + c.made(),
                before.tagsChecked + c.checked(),
                before.tagsRefused + c.refused(),
                before.epsilonAuthentication + c.epsilon(),
                before.epsilonCuts + cuts,
                before.secretBits + secretBits,
                before.supplyBits + supplyBits);
    }

    /** Writes the sums to the disk. */
    public synchronized void save() {
        Path temporary = file.resolveSibling("." + FILE);
        ByteBuffer text = ByteBuffer.wrap(JsonMapper.shared()
                .writerWithDefaultPrettyPrinter()
                .writeValueAsString(totals())
                .getBytes(StandardCharsets.UTF_8));
        try {
            Files.deleteIfExists(temporary);
            Durable.write(temporary, channel -> {
                while (text.hasRemaining()) {
                    channel.write(text);
                }
            });
            Durable.rename(temporary, file);
        } catch (IOException e) {
            throw new PoolException(file, "write the ledger", e);
        }
    }
}
