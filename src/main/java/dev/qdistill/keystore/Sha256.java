package dev.qdistill.keystore;

import static java.lang.Integer.rotateRight;

import dev.qdistill.bits.SecretArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * SHA-256 (FIPS 180-4) of off-heap memory, which {@link java.security.MessageDigest} would first copy to the heap. The
 * block in waiting is off-heap and wiped.
 */
final class Sha256 implements AutoCloseable {
    static final int BYTES = 32;

    private static final int BLOCK = 64;
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    // The fractional parts of the cube roots of the first 64 primes.
    private static final int[] K = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
    };

    // Those of the square roots of the first 8 primes.
    private static final int[] INITIAL = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
    };

    private final SecretArena arena = new SecretArena();
    private final MemorySegment pending = arena.allocate(BLOCK);
    private final int[] state = INITIAL.clone();
    private long length;

    /** Begins a new message. */
    void reset() {
        System.arraycopy(INITIAL, 0, state, 0, INITIAL.length);
        length = 0;
    }

    /** Appends the bytes of {@code data} to the message. */
    void update(MemorySegment data) {
        long size = data.byteSize();
        long at = 0;
        int filled = (int) (length % BLOCK);
        length += size;
        if (filled > 0) {
            at = Math.min(size, BLOCK - filled);
            MemorySegment.copy(data, 0, pending, filled, at);
            if (filled + at < BLOCK) {
                return;
            }
            compress(pending, 0);
        }
        for (; at + BLOCK <= size; at += BLOCK) {
            compress(data, at);
        }
        MemorySegment.copy(data, at, pending, 0, size - at);
    }

    /** The hash of the message; nothing can be appended after it, unless {@link #reset()} comes first. */
    byte[] digest() {
        long bits = 8 * length;
        int filled = (int) (length % BLOCK);
        pending.set(ValueLayout.JAVA_BYTE, filled, (byte) 0x80);
        pending.asSlice(filled + 1L).fill((byte) 0);
        if (filled + 9 > BLOCK) {
            compress(pending, 0);
            pending.fill((byte) 0);
        }
        pending.set(WORD, BLOCK - 8, (int) (bits >>> 32));
        pending.set(WORD, BLOCK - 4, (int) bits);
        compress(pending, 0);
        byte[] hash = new byte[BYTES];
        MemorySegment out = MemorySegment.ofArray(hash);
        for (int i = 0; i < state.length; i++) {
            out.set(WORD, 4L * i, state[i]);
        }
        return hash;
    }

    // One block. The schedule's window of sixteen words stays in locals; the rounds rotate the names, not the values.
    private void compress(MemorySegment data, long offset) {
        int w0 = data.get(WORD, offset + 0);
        int w1 = data.get(WORD, offset + 4);
        int w2 = data.get(WORD, offset + 8);
        int w3 = data.get(WORD, offset + 12);
        int w4 = data.get(WORD, offset + 16);
        int w5 = data.get(WORD, offset + 20);
        int w6 = data.get(WORD, offset + 24);
        int w7 = data.get(WORD, offset + 28);
        int w8 = data.get(WORD, offset + 32);
        int w9 = data.get(WORD, offset + 36);
        int w10 = data.get(WORD, offset + 40);
        int w11 = data.get(WORD, offset + 44);
        int w12 = data.get(WORD, offset + 48);
        int w13 = data.get(WORD, offset + 52);
        int w14 = data.get(WORD, offset + 56);
        int w15 = data.get(WORD, offset + 60);
        int a = state[0];
        int b = state[1];
        int c = state[2];
        int d = state[3];
        int e = state[4];
        int f = state[5];
        int g = state[6];
        int h = state[7];
        for (int i = 0; ; i += 16) {
            h += choose(e, f, g) + K[i + 0] + w0;
            d += h;
            h += majority(a, b, c);
            g += choose(d, e, f) + K[i + 1] + w1;
            c += g;
            g += majority(h, a, b);
            f += choose(c, d, e) + K[i + 2] + w2;
            b += f;
            f += majority(g, h, a);
            e += choose(b, c, d) + K[i + 3] + w3;
            a += e;
            e += majority(f, g, h);
            d += choose(a, b, c) + K[i + 4] + w4;
            h += d;
            d += majority(e, f, g);
            c += choose(h, a, b) + K[i + 5] + w5;
            g += c;
            c += majority(d, e, f);
            b += choose(g, h, a) + K[i + 6] + w6;
            f += b;
            b += majority(c, d, e);
            a += choose(f, g, h) + K[i + 7] + w7;
            e += a;
            a += majority(b, c, d);
            h += choose(e, f, g) + K[i + 8] + w8;
            d += h;
            h += majority(a, b, c);
            g += choose(d, e, f) + K[i + 9] + w9;
            c += g;
            g += majority(h, a, b);
            f += choose(c, d, e) + K[i + 10] + w10;
            b += f;
            f += majority(g, h, a);
            e += choose(b, c, d) + K[i + 11] + w11;
            a += e;
            e += majority(f, g, h);
            d += choose(a, b, c) + K[i + 12] + w12;
            h += d;
            d += majority(e, f, g);
            c += choose(h, a, b) + K[i + 13] + w13;
            g += c;
            c += majority(d, e, f);
            b += choose(g, h, a) + K[i + 14] + w14;
            f += b;
            b += majority(c, d, e);
            a += choose(f, g, h) + K[i + 15] + w15;
            e += a;
            a += majority(b, c, d);
            if (i == 48) {
                break;
            }
            w0 += small(w1, 7, 18, 3) + w9 + small(w14, 17, 19, 10);
            w1 += small(w2, 7, 18, 3) + w10 + small(w15, 17, 19, 10);
            w2 += small(w3, 7, 18, 3) + w11 + small(w0, 17, 19, 10);
            w3 += small(w4, 7, 18, 3) + w12 + small(w1, 17, 19, 10);
            w4 += small(w5, 7, 18, 3) + w13 + small(w2, 17, 19, 10);
            w5 += small(w6, 7, 18, 3) + w14 + small(w3, 17, 19, 10);
            w6 += small(w7, 7, 18, 3) + w15 + small(w4, 17, 19, 10);
            w7 += small(w8, 7, 18, 3) + w0 + small(w5, 17, 19, 10);
            w8 += small(w9, 7, 18, 3) + w1 + small(w6, 17, 19, 10);
            w9 += small(w10, 7, 18, 3) + w2 + small(w7, 17, 19, 10);
            w10 += small(w11, 7, 18, 3) + w3 + small(w8, 17, 19, 10);
            w11 += small(w12, 7, 18, 3) + w4 + small(w9, 17, 19, 10);
            w12 += small(w13, 7, 18, 3) + w5 + small(w10, 17, 19, 10);
            w13 += small(w14, 7, 18, 3) + w6 + small(w11, 17, 19, 10);
            w14 += small(w15, 7, 18, 3) + w7 + small(w12, 17, 19, 10);
            w15 += small(w0, 7, 18, 3) + w8 + small(w13, 17, 19, 10);
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
        state[5] += f;
        state[6] += g;
        state[7] += h;
    }

    private static int choose(int e, int f, int g) {
        return (rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25)) + (e & f ^ ~e & g);
    }

    private static int majority(int a, int b, int c) {
        return (rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22)) + (a & b ^ a & c ^ b & c);
    }

    private static int small(int x, int r, int s, int shift) {
        return rotateRight(x, r) ^ rotateRight(x, s) ^ x >>> shift;
    }

    @Override
    public void close() {
        arena.close();
    }
}
