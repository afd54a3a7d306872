package dev.qdistill.bits;

/**
 * A string of bits that grows at its end. Memory that was outgrown is wiped.
 */
public final class BitStringBuilder implements AutoCloseable {
    private BitString buffer = BitString.allocate(1 << 16);
    private long length;

    /** The bits appended so far. */
    public long length() {
        return length;
    }

    /** Appends {@code count} bits of {@code source} from {@code offset} up. */
    public void append(BitString source, long offset, long count) {
        reserve(count);
        buffer.copyFrom(source, offset, length, count);
        length += count;
    }

    /** Appends {@code count} zeros. */
    public void appendZeros(long count) {
        reserve(count);
        length += count;
    }

    /** The string, which owns its memory; the builder is empty afterwards. */
    public BitString build() {
        BitString result = buffer.slice(0, length);
        buffer.wipe();
        length = 0;
        return result;
    }

    @Override
    public void close() {
        buffer.close();
    }

    private void reserve(long count) {
        if (length + count > buffer.length()) {
            BitString larger = BitString.allocate(Math.max(length + count, 2 * buffer.length()));
            larger.copyFrom(buffer, 0, 0, length);
            buffer.close();
            buffer = larger;
        }
    }
}
