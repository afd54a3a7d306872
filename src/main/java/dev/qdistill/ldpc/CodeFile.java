package dev.qdistill.ldpc;

import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/**
 * The compact binary form of a code, little-endian: magic "QDLC", version (int, 2 or 1), payload length (int), deflated length (int), CRC-32C of the payload (int), the payload deflated.
 *
 * <p>Payload: name (length byte, ASCII), circulant, base rows, base columns (shorts), operating QBERs, efficient and fast (doubles), units a nat and φ
 * resolution (bytes), from version 2 on the state below which min-sum finishes (byte), the 2·32 tables of 128 bytes as differences of neighbours (ψ of all states, then min-sum), the degree of
 * each base row (short), then for all edges in row order: low bytes of the differences of the column to the one before, their
 * high bytes, low bytes of the shifts, their high bytes.
 */
final class CodeFile {
    private static final int MAGIC = 'Q' | 'D' << 8 | 'L' << 16 | 'C' << 24;
    private static final int VERSION = 2;
    private static final int HEADER = 20;
    private static final int LARGEST = 1 << 26;

    private CodeFile() {}

    static byte[] write(QuasiCyclicCode code) {
        byte[] name = code.name().getBytes(StandardCharsets.US_ASCII);
        int tables = 2 * DecoderTables.STATES * DecoderTables.SIZE;
        ByteBuffer b = ByteBuffer.allocate(1 + name.length + 6 + 16 + 3 + tables + 2 * code.rows() + 4 * code.edges())
                .order(ByteOrder.LITTLE_ENDIAN);
        b.put((byte) name.length).put(name);
        b.putShort((short) code.circulant()).putShort((short) code.rows()).putShort((short) code.columns());
        b.putDouble(code.operatingQber(Profile.EFFICIENT)).putDouble(code.operatingQber(Profile.FAST));
        b.put((byte) code.tables().unitsPerNat()).put((byte) code.tables().phiResolution());
        b.put((byte) code.tables().minSumBelow());
        for (UpdateRule rule : UpdateRule.values()) {
            for (byte[] table : code.tables().table(rule)) {
                int before = 0;
                for (byte v : table) {
                    b.put((byte) (v - before));
                    before = v;
                }
            }
        }
        for (int r = 0; r < code.rows(); r++) {
            b.putShort((short) (code.rowStart(r + 1) - code.rowStart(r)));
        }
        int edges = code.edges();
        int columns = b.position();
        for (int r = 0; r < code.rows(); r++) {
            int before = 0;
            for (int e = code.rowStart(r); e < code.rowStart(r + 1); e++) {
                int d = code.column(e) - before;
                before = code.column(e);
                b.put(columns + e, (byte) d);
                b.put(columns + edges + e, (byte) (d >> 8));
                b.put(columns + 2 * edges + e, (byte) code.shift(e));
                b.put(columns + 3 * edges + e, (byte) (code.shift(e) >> 8));
            }
        }
        byte[] payload = b.array();
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (Deflater deflater = new Deflater(Deflater.BEST_COMPRESSION)) {
            deflater.setInput(payload);
            deflater.finish();
            byte[] buffer = new byte[8192];
            while (!deflater.finished()) {
                packed.write(buffer, 0, deflater.deflate(buffer));
            }
        }
        ByteBuffer file = ByteBuffer.allocate(HEADER + packed.size()).order(ByteOrder.LITTLE_ENDIAN);
        file.putInt(MAGIC)
                .putInt(VERSION)
                .putInt(payload.length)
                .putInt(packed.size())
                .putInt(checksum(payload));
        file.put(packed.toByteArray());
        return file.array();
    }

    /**
     * Reads what {@link #write} wrote, and nothing else.
     *
     * @throws CodeFormatException if it is cut, damaged, of another version or no valid code
     */
    static QuasiCyclicCode read(byte[] file) {
        ByteBuffer b = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        if (file.length < HEADER) {
            throw new CodeFormatException(
                    file.length, "cut: a code file has a header of " + HEADER + " bytes, here are " + file.length);
        }
        if (b.getInt() != MAGIC) {
            throw new CodeFormatException(0, "not a code file: it does not begin with QDLC");
        }
        int version = b.getInt();
        if (version != 1 && version != VERSION) {
            throw new CodeFormatException(4, "code file of version " + version + "; versions 1 and 2 are known");
        }
        int length = b.getInt();
        int packed = b.getInt();
        int checksum = b.getInt();
        if (length < 1 || length > LARGEST) {
            throw new CodeFormatException(8, "payload of " + length + " bytes; 1 to " + LARGEST + " are possible");
        }
        if (packed != file.length - HEADER) {
            throw new CodeFormatException(
                    12, "cut or extended: " + packed + " packed bytes announced, " + (file.length - HEADER) + " found");
        }
        byte[] payload = new byte[length];
        try (Inflater inflater = new Inflater()) {
            inflater.setInput(file, HEADER, packed);
            int n = inflater.inflate(payload);
            if (n != length || inflater.inflate(new byte[1]) != 0 || !inflater.finished()) {
                throw new CodeFormatException(HEADER, "damaged: the payload is not of the announced length");
            }
        } catch (DataFormatException e) {
            throw new CodeFormatException(HEADER, "damaged: the payload cannot be inflated (" + e.getMessage() + ")");
        }
        if (checksum(payload) != checksum) {
            throw new CodeFormatException(16, "damaged: the checksum of the payload is wrong");
        }
        try {
            return parse(ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN), version);
        } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
            throw new CodeFormatException(HEADER, "damaged: the payload ends early");
        } catch (IllegalArgumentException e) {
            throw new CodeFormatException(HEADER, String.valueOf(e.getMessage()));
        }
    }

    private static QuasiCyclicCode parse(ByteBuffer b, int version) {
        byte[] name = new byte[b.get() & 255];
        b.get(name);
        int circulant = b.getShort() & 0xffff;
        int rows = b.getShort() & 0xffff;
        int columns = b.getShort() & 0xffff;
        double operatingQber = b.getDouble();
        double fastQber = b.getDouble();
        int unitsPerNat = b.get();
        int phiResolution = b.get() & 255;
        int minSumBelow = version == 1 ? 0 : b.get();
        byte[][][] tables = new byte[2][DecoderTables.STATES][DecoderTables.SIZE];
        for (byte[][] rule : tables) {
            for (byte[] table : rule) {
                byte before = 0;
                for (int i = 0; i < table.length; i++) {
                    before += b.get();
                    table[i] = before;
                }
            }
        }
        int[] degrees = new int[rows];
        long sum = 0;
        for (int r = 0; r < rows; r++) {
            degrees[r] = b.getShort() & 0xffff;
            sum += degrees[r];
        }
        if (b.remaining() != 4 * sum) {
            throw new CodeFormatException(
                    HEADER, "damaged: " + b.remaining() + " bytes for " + sum + " edges, not " + 4 * sum);
        }
        int edges = (int) sum;
        int[][] entries = new int[rows][];
        for (int r = 0; r < rows; r++) {
            entries[r] = new int[2 * degrees[r]];
        }
        int at = b.position();
        for (int[] row : entries) {
            int column = 0;
            for (int j = 0; j < row.length; j += 2, at++) {
                column += (b.get(at) & 255) | (b.get(at + edges) & 255) << 8;
                row[j] = column;
                row[j + 1] = (b.get(at + 2 * edges) & 255) | (b.get(at + 3 * edges) & 255) << 8;
            }
        }
        DecoderTables t = new DecoderTables(
                unitsPerNat,
                phiResolution,
                DecoderTables.phi(unitsPerNat, phiResolution),
                tables[0],
                tables[1],
                minSumBelow);
        return new QuasiCyclicCode(
                new String(name, StandardCharsets.US_ASCII), circulant, columns, entries, operatingQber, fastQber, t);
    }

    private static int checksum(byte[] payload) {
        CRC32C crc = new CRC32C();
        crc.update(payload);
        return (int) crc.getValue();
    }
}
