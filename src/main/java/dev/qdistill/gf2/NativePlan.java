package dev.qdistill.gf2;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;

/**
 * The tables of the C kernels' transform of one size: struct Plan of native/gf2_kernels.c and what it points to.
 *
 * <p>The values of 2^m bits lie in memory so: bits 0–2 of a coefficient's index number the vectors of a run of 512 bytes, bits 3–8
 * are their lanes, bit k from 9 to m - 5 is address bit k, bit m - 3 address bit m - 4. As in {@link AdditiveFft}, m - 1, m - 2,
 * m - 4 are the bits of a byte, m - 8 and m - 16 number the bytes of an element. In the last nine stages bits 8 … 3 leave the
 * lanes one after the other for the place of one of the three that number vectors; what lies where is followed here.
 */
final class NativePlan {
    private static final int FIRST = 9;
    private static final int STATE = 192;
    private static final int ROW = 128;
    private static final int OP_WORDS = 9;

    /** Bytes of scratch memory of a worker. */
    static final int SCRATCH_BYTES = 1 << 14;

    private final Arena arena;
    private final int m;
    private final int truncated;
    private final List<Integer> numbers = new ArrayList<>();
    private final long address;

    NativePlan(int m, Arena arena) {
        this.arena = arena;
        this.m = m;
        truncated = m - 16;
        for (int i = FIRST; i < m; i++) {
            int fromTop = m - i;
            if (Integer.bitCount(fromTop) != 1 || fromTop > 16) {
                numbers.add(i);
            }
        }
        int below = (int) numbers.stream().filter(k -> k <= m - 9).count();
        address = words(8 + 32);
        Memory.putWord(address, m);
        Memory.putWord(address + 8, strips());
        Memory.putWord(address + 16, operations());
        Memory.putWord(address + 24, groups());
        Memory.putWord(address + 32, pointwise());
        Memory.putWord(address + 40, below);
        Memory.putWord(address + 48, 7L << m - 7 | 1L << m - 4);
        for (int i = FIRST; i <= m - 9; i++) {
            Memory.putWord(address + 64 + 8L * i, stage(i));
        }
    }

    long address() {
        return address;
    }

    private long words(int n) {
        return arena.allocate(8L * n, 64).address();
    }

    // Matrices of the strips: β_3; to the basis of bytes, the same after stage m - 4 of the upper half; both back; at
    // 64 the
    // constants of stages m - 5 to m - 8.
    private long strips() {
        long t = words(8 + 30);
        IntUnaryOperator four = x -> x ^ CantorTower.multiply(CantorTower.beta(1), x >>> 4);
        Memory.putWord(t, ByteField.matrix(x -> CantorTower.multiply(CantorTower.beta(3), x)));
        Memory.putWord(t + 8, ByteField.matrix(ByteField::fromTower));
        Memory.putWord(t + 16, ByteField.matrix(x -> ByteField.fromTower(four.applyAsInt(x))));
        Memory.putWord(t + 24, ByteField.matrix(ByteField::toTower));
        Memory.putWord(t + 32, ByteField.matrix(x -> four.applyAsInt(ByteField.toTower(x))));
        int[] tops = {3, 5, 6, 7};
        long at = t + 64;
        for (int s = 2; s < 6; s++) {
            int bit = 3 + s;
            for (int b = 0; b < 1 << s - 1; b++, at += 8) {
                int w = bit == 8 ? 0 : CantorTower.beta(bit);
                for (int k = 0; k < s - 1; k++) {
                    // The highest bit of b is bit m - 3 of the point.
                    w ^= (b >>> s - 2 - k & 1) == 0 ? 0 : CantorTower.beta(bit - tops[k]);
                }
                Memory.putWord(at, ByteField.product(ByteField.fromTower(w)));
            }
        }
        return t;
    }

    // β_7, and β_15 as a constant of GF(2^16).
    private long pointwise() {
        long t = words(5);
        Memory.putWord(t, ByteField.product(ByteField.fromTower(CantorTower.beta(7))));
        byte[] beta15 = bytes(CantorTower.beta(15));
        for (int k = 0; k < 4; k++) {
            Memory.putWord(t + 8 + 8L * k, ByteField.product(beta15[k]));
        }
        return t;
    }

    // A constant w = u + v β_16, u = u_0 + u_1 β_8, as kernels use it: u_0, β_7 u_1, u_1, u_0 + u_1; the same of β_15 v
    // and of u + v.
    private static byte[] bytes(int w) {
        int u = w & 0xffff;
        int v = w >>> 16;
        int[] parts = {u, CantorTower.multiply(CantorTower.beta(15), v), u ^ v};
        byte[] r = new byte[12];
        for (int k = 0; k < 3; k++) {
            int low = parts[k] & 0xff;
            int high = parts[k] >>> 8;
            r[4 * k] = (byte) ByteField.fromTower(low);
            r[4 * k + 1] = (byte) ByteField.fromTower(CantorTower.multiply(CantorTower.beta(7), high));
            r[4 * k + 2] = (byte) ByteField.fromTower(high);
            r[4 * k + 3] = (byte) ByteField.fromTower(low ^ high);
        }
        return r;
    }

    private static void addBytes(long to, int w) {
        byte[] b = bytes(w);
        for (int k = 0; k < 12; k += 4) {
            // Four bytes at a time would leave their words: two words of 8.
            long at = to + (k & 8);
            long v = Memory.word(at);
            for (int j = 0; j < 4; j++) {
                v ^= (b[k + j] & 0xffL) << 8 * (k + j & 7);
            }
            Memory.putWord(at, v);
        }
    }

    private int first(int i) {
        return i == truncated ? 0 : CantorTower.beta(m - i);
    }

    // Constants of the nine last stages, 16 bytes each: of the first group of 512 elements, and the steps from group to
    // group.
    private long groups() {
        long t = arena.allocate((long) STATE * (numbers.size() + 2), 64).address();
        for (int i = 0; i < FIRST; i++) {
            long at = t + 16L * (FIRST - 1 - i);
            addBytes(at, first(i));
            int w = 0;
            for (int k = 0; k < numbers.size(); k++) {
                w ^= CantorTower.beta(numbers.get(k) - i);
                addBytes(at + (long) STATE * (k + 1), w);
            }
        }
        return t;
    }

    // The same of a stage above, as matrices.
    private long stage(int i) {
        List<Integer> above = numbers.stream().filter(k -> k > i).toList();
        long t = arena.allocate((long) ROW * (above.size() + 2), 64).address();
        matrices(t, first(i));
        int w = 0;
        for (int k = 0; k < above.size(); k++) {
            w ^= CantorTower.beta(above.get(k) - i);
            matrices(t + (long) ROW * (k + 1), w);
        }
        return t;
    }

    private static void matrices(long to, int w) {
        byte[] b = bytes(w);
        for (int k = 0; k < 12; k++) {
            Memory.putWord(to + 8L * k, ByteField.product(b[k] & 0xff));
        }
    }

    // The last nine stages.
    private long operations() {
        long t = words(OP_WORDS * FIRST);
        int[] slots = {0, 1, 2};
        int[] lanes = {3, 4, 5, 6, 7, 8};
        int plane = -1;
        for (int i = FIRST - 1; i >= 0; i--) {
            long op = t + 8L * OP_WORDS * (FIRST - 1 - i);
            int slot = -1;
            for (int s = 0; s < 3; s++) {
                slot = slots[s] == i ? s : slot;
            }
            long exchange = 0;
            if (slot < 0) {
                int lane = 0;
                while (lanes[lane] != i) {
                    lane++;
                }
                slot = free(slots, plane, i);
                exchange = exchange(lane);
                lanes[lane] = slots[slot];
                slots[slot] = i;
            }
            boolean wide = i < truncated;
            List<Integer> others = new ArrayList<>();
            for (int s = 0; s < 3; s++) {
                if (s != slot && s != plane) {
                    others.add(s);
                }
            }
            // If the constants differ between the runs of one of the others, it comes first.
            int stage = i;
            others.sort((a, b) -> Integer.compare(slots[b], slots[a]));
            int width = wide ? 12 : 4;
            long constants = arena.allocate(4L * 64 * width, 64).address();
            long[] vary = {0, 0};
            for (int k = 0; k < others.size(); k++) {
                vary[k] = slots[others.get(k)] > stage ? (k + 1) * 64L * width : 0;
            }
            for (int variant = 0; variant < 4; variant++) {
                int common = 0;
                for (int k = 0; k < others.size(); k++) {
                    common ^= (variant >>> k & 1) != 0 && vary[k] != 0 ? CantorTower.beta(slots[others.get(k)] - i) : 0;
                }
                laneConstants(constants + 64L * width * variant, width, i, lanes, common);
            }
            Memory.putWord(op, wide ? 2 : i == truncated ? 1 : 0);
            Memory.putWord(op + 8, 64L << slot);
            Memory.putWord(op + 16, exchange);
            Memory.putWord(op + 24, truncated >= FIRST ? 1L << truncated : plane < 0 ? 0 : 64L << plane);
            Memory.putWord(op + 32, 64L << others.get(0));
            Memory.putWord(op + 40, others.size() > 1 ? 64L << others.get(1) : 0);
            Memory.putWord(op + 48, constants);
            Memory.putWord(op + 56, vary[0]);
            Memory.putWord(op + 64, vary[1]);
            if (i == truncated) {
                plane = slot;
            }
        }
        return t;
    }

    // The place for a bit that leaves the lanes: of one that is done, or else of the one that will be needed last.
    private static int free(int[] slots, int plane, int i) {
        int best = -1;
        for (int s = 0; s < 3; s++) {
            if (s != plane
                    && (best < 0 || (slots[s] > i ? slots[best] <= i : slots[best] <= i && slots[s] < slots[best]))) {
                best = s;
            }
        }
        return best;
    }

    private void laneConstants(long to, int width, int i, int[] lanes, int common) {
        for (int lane = 0; lane < 64; lane++) {
            int w = common;
            for (int k = 0; k < 6; k++) {
                w ^= (lane >>> k & 1) != 0 && lanes[k] > i ? CantorTower.beta(lanes[k] - i) : 0;
            }
            byte[] b = bytes(w);
            for (int k = 0; k < width; k++) {
                Memory.putByte(to + 64L * k + lane, b[k]);
            }
        }
    }

    // Two index vectors: lane bit and number of a vector of a pair change places.
    private long exchange(int lane) {
        byte[] t = new byte[128];
        for (int l = 0; l < 64; l++) {
            boolean set = (l >>> lane & 1) != 0;
            t[l] = (byte) (set ? 64 | l ^ 1 << lane : l);
            t[64 + l] = (byte) (set ? 64 | l : l | 1 << lane);
        }
        long at = arena.allocate(128, 64).address();
        Memory.put(at, t);
        return at;
    }
}
