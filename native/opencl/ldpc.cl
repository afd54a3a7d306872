// Layered message passing in 8 bits, the arithmetic and the schedule of dev.qdistill.ldpc.SyndromeDecoder, bit for bit.
//
// A work-group decodes WIDTH frames that lie side by side: element i of an array of such a group is a vector with one byte of
// each frame. So the lanes of a circulant may be rotated by anything and every access is still aligned. The work-items share
// the checks of a layer; a barrier separates layers. All iterations of a run are one launch: whether a frame is done
// is decided here.
//
// Options: WIDTH 1, 2, 4, 8 or 16 (default 1). CIRCULANT, the only size of a circulant (default: any, an argument).
// SINGLE_WORK_ITEM: one work-item does it all, loops in place of lanes, for FPGA tools, which make a pipeline of them.

#ifndef WIDTH
#define WIDTH 1
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#if WIDTH == 1
typedef char bytes_t;
typedef int ints_t;
#define TO_BYTES(x) ((char)(x))
#define TO_INTS(x) ((int)(x))
#define AT(table, i) ((int)(table)[i])
#else
typedef JOIN(char, WIDTH) bytes_t;
typedef JOIN(int, WIDTH) ints_t;
#define TO_BYTES(x) JOIN(convert_char, WIDTH)(x)
#define TO_INTS(x) JOIN(convert_int, WIDTH)(x)
#define AT2(table, i) (table)[(i).s0], (table)[(i).s1]
#define AT4(table, i) AT2(table, i), (table)[(i).s2], (table)[(i).s3]
#define AT8(table, i) AT4(table, i), (table)[(i).s4], (table)[(i).s5], (table)[(i).s6], (table)[(i).s7]
#define AT16(table, i) \
    AT8(table, i), (table)[(i).s8], (table)[(i).s9], (table)[(i).sa], (table)[(i).sb], (table)[(i).sc], (table)[(i).sd], \
            (table)[(i).se], (table)[(i).sf]
#define AT(table, i) ((ints_t)(JOIN(AT, WIDTH)(table, i)))
#endif

// One number for each frame of a group.
typedef union {
    ints_t v;
    int s[WIDTH];
} each_t;

#ifdef SINGLE_WORK_ITEM
#define GROUP_SIZE __attribute__((reqd_work_group_size(1, 1, 1)))
#define LANE 0
#define LANES 1
#define SYNCHRONIZE
#define ADD(to, x) *(to) += (x)
#else
#define GROUP_SIZE
#define LANE ((int)get_local_id(0))
#define LANES ((int)get_local_size(0))
#define SYNCHRONIZE barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)
#define ADD(to, x) atomic_add(to, x)
#endif

#ifdef CIRCULANT
#define Z CIRCULANT
#else
#define Z circulant
#endif

// Of a frame, in its status.
#define STATUS 8
#define PRIOR 0
#define FLAGS 1
#define ITERATIONS 2
#define STATE 3
#define UNSATISFIED 4
#define MILESTONE 5
#define CONVERGED 6

// In FLAGS.
#define RUN 1
#define KNOWN 2
#define RESET 4

#define PHI 0
#define STATES 32
#define FIRST 31
#define SIZE 128
// Beside the tables: phi, then 32 of psi, then 32 of min-sum.
#define PSI SIZE
#define MIN_SUM (SIZE + STATES * SIZE)
#define TABLES (SIZE + 2 * STATES * SIZE)

#define STRIDE 16
#define PROGRESS 64
#define LONG_FRAME (1 << 15)

// What this program was built for: WIDTH, the only circulant or 0, whether it wants a single work-item.
__kernel void ldpc_properties(__global int *properties) {
    properties[0] = WIDTH;
#ifdef CIRCULANT
    properties[1] = CIRCULANT;
#else
    properties[1] = 0;
#endif
#ifdef SINGLE_WORK_ITEM
    properties[2] = 1;
#else
    properties[2] = 0;
#endif
}

inline ints_t clip(ints_t x) {
    return min(max(x, (ints_t)(-128)), (ints_t)(127));
}

inline ints_t magnitude(ints_t x) {
    return min(max(x, -x), (ints_t)(127));
}

// One layer's checks, one after another for each work-item. Returns how many were unsatisfied, negated.
inline ints_t layer(
        __global bytes_t *posteriors,
        __global bytes_t *messages,
        __global const uint *syndromes,
        int syndromeWords,
        int row,
        int begin,
        int end,
        __global const int *edges,
        __local const uchar *tables,
        ints_t magnitudes,
        ints_t phiMask,
        int anyPhi,
        int anyMinSum,
        ints_t active,
        int circulant) {
    ints_t unsatisfied = 0;
    for (int i = LANE; i < Z; i += LANES) {
        each_t bit;
        int check = row * Z + i;
        for (int k = 0; k < WIDTH; k++) {
            bit.s[k] = -(int)(syndromes[k * syndromeWords + (check >> 5)] >> (check & 31) & 1);
        }
        ints_t parity = bit.v;
        ints_t sum = 0;
        ints_t largest = 0;
        ints_t first = 127;
        ints_t second = 127;
        for (int e = begin; e < end; e++) {
            int at = i + edges[2 * e + 1];
            at = edges[2 * e] * Z + (at >= Z ? at - Z : at);
            ints_t t = clip(TO_INTS(posteriors[at]) - TO_INTS(messages[e * Z + i]));
            ints_t a = magnitude(t);
            parity ^= t;
            if (anyPhi) {
                ints_t p = AT(tables, a);
                sum = min(sum + min(largest, p), (ints_t)(255));
                largest = max(largest, p);
            }
            second = min(second, max(first, a));
            first = min(first, a);
        }
        unsatisfied += parity >> 31;
        for (int e = begin; e < end; e++) {
            int at = i + edges[2 * e + 1];
            at = edges[2 * e] * Z + (at >= Z ? at - Z : at);
            ints_t x = TO_INTS(posteriors[at]);
            ints_t c = TO_INTS(messages[e * Z + i]);
            ints_t t = clip(x - c);
            ints_t a = max(t, -t);
            ints_t index = 0;
            if (anyPhi) {
                ints_t p = AT(tables, min(a, (ints_t)(127)));
                index = min(sum + largest - p, (ints_t)(255)) >> 1 & phiMask;
            }
            if (anyMinSum) {
                // All ones where this is not the smallest.
                ints_t others = (a - first | first - a) >> 31;
                index |= (second ^ (second ^ first) & others) & ~phiMask;
            }
            ints_t m = AT(tables, magnitudes + index);
            ints_t negative = (parity ^ t) >> 31;
            ints_t updated = clip(x + ((m ^ negative) - negative) - c);
            updated = x ^ (x ^ updated) & active;
            posteriors[at] = TO_BYTES(updated);
            messages[e * Z + i] = TO_BYTES(c + updated - x);
        }
    }
    return unsatisfied;
}

// Sets the posteriors of known bits to certainty, in the frames marked.
inline void pin(
        __global char *posteriors,
        __global const uint *known,
        __global const uint *errors,
        int words,
        __local const int *marked) {
    for (int k = 0; k < WIDTH; k++) {
        if (marked[k]) {
            for (int w = LANE; w < words; w += LANES) {
                uint mask = known[k * words + w];
                uint error = errors[k * words + w];
                for (int b = 0; mask != 0; b++, mask >>= 1, error >>= 1) {
                    if (mask & 1) {
                        posteriors[(w * 32 + b) * WIDTH + k] = error & 1 ? -127 : 127;
                    }
                }
            }
        }
    }
}

// Whether the signs of the posteriors have the syndrome: adds to violated where not.
inline void check(
        __global const bytes_t *posteriors,
        __global const uint *syndromes,
        int syndromeWords,
        int rows,
        __global const int *rowStarts,
        __global const int *edges,
        __local int *violated,
        int circulant) {
    each_t wrong;
    wrong.v = 0;
    for (int c = LANE; c < rows * Z; c += LANES) {
        int row = c / Z;
        int i = c - row * Z;
        ints_t parity = 0;
        for (int e = rowStarts[row]; e < rowStarts[row + 1]; e++) {
            int at = i + edges[2 * e + 1];
            parity ^= TO_INTS(posteriors[edges[2 * e] * Z + (at >= Z ? at - Z : at)]);
        }
        each_t sign;
        sign.v = parity >> 31 & 1;
        for (int k = 0; k < WIDTH; k++) {
            wrong.s[k] |= sign.s[k] ^ (int)(syndromes[k * syndromeWords + (c >> 5)] >> (c & 31) & 1);
        }
    }
    for (int k = 0; k < WIDTH; k++) {
        if (wrong.s[k]) {
            ADD(&violated[k], 1);
        }
    }
}

// Runs the frames with the flag RUN for up to `most` iterations. By group: posteriors [bit], messages [edge][check]; by frame:
// syndrome, known bits and their errors, decisions as packed words; status. edges: column and shift.
// geometry: circulant, rows, columns, edges, the state below which min-sum serves for phi, then 31 counts of
// unsatisfied checks: below the first is state 0, below the second 1, and so on.
__kernel GROUP_SIZE void decode(
        __global bytes_t *posteriors,
        __global bytes_t *messages,
        __global const uint *syndromes,
        __global const uint *known,
        __global const uint *errors,
        __global int *status,
        __global uint *decisions,
        __global const int *rowStarts,
        __global const int *edges,
        __global const uchar *tableMemory,
        __global const int *geometry,
        int rule,
        int most,
        int groups) {
    __local uchar tables[TABLES];
    __local int count[WIDTH];
    __local int violated[WIDTH];
    __local int active[WIDTH];
    __local int pinned[WIDTH];
    __local int hopeless[WIDTH];
    __local int asked[WIDTH];
    __local int before[WIDTH];
    __local int running;
    __local int checking;
    __local int pinning;

    int circulant = geometry[0];
    int rows = geometry[1];
    int columns = geometry[2];
    int minSumBelow = geometry[4];
    __global const int *thresholds = geometry + 5;
    int bits = columns * Z;
    int checks = rows * Z;
    int words = bits >> 5;
    int syndromeWords = checks >> 5;
    for (int i = LANE; i < TABLES; i += LANES) {
        tables[i] = tableMemory[i];
    }
#ifdef SINGLE_WORK_ITEM
    for (int group = 0; group < groups; group++) {
#else
    int group = get_group_id(0);
    {
#endif
        __global bytes_t *x = posteriors + (size_t)group * bits;
        __global bytes_t *m = messages + (size_t)group * geometry[3] * Z;
        __global const uint *s = syndromes + (size_t)group * WIDTH * syndromeWords;
        __global const uint *k0 = known + (size_t)group * WIDTH * words;
        __global const uint *e0 = errors + (size_t)group * WIDTH * words;
        __global int *own = status + (size_t)group * WIDTH * STATUS;
        __global uint *d = decisions + (size_t)group * WIDTH * words;

        each_t reset;
        each_t prior;
        int resets = 0;
        for (int k = 0; k < WIDTH; k++) {
            int flags = own[k * STATUS + FLAGS];
            reset.s[k] = -(flags / RESET & 1);
            prior.s[k] = own[k * STATUS + PRIOR];
            resets |= reset.s[k];
        }
        if (LANE == 0) {
            running = 0;
            pinning = 0;
            for (int k = 0; k < WIDTH; k++) {
                int flags = own[k * STATUS + FLAGS];
                active[k] = -(flags & RUN);
                pinned[k] = flags & RUN && flags & KNOWN;
                running |= active[k];
                pinning |= pinned[k];
            }
        }
        SYNCHRONIZE;
        if (resets) {
            for (int i = LANE; i < bits; i += LANES) {
                x[i] = TO_BYTES((TO_INTS(x[i]) & ~reset.v) | (prior.v & reset.v));
            }
            for (int i = LANE; i < geometry[3] * Z; i += LANES) {
                m[i] = TO_BYTES(TO_INTS(m[i]) & ~reset.v);
            }
            if (LANE == 0) {
                for (int k = 0; k < WIDTH; k++) {
                    if (reset.s[k]) {
                        own[k * STATUS + STATE] = FIRST;
                        own[k * STATUS + UNSATISFIED] = checks;
                        own[k * STATUS + MILESTONE] = checks;
                    }
                }
            }
        }
        SYNCHRONIZE;
        if (pinning) {
            pin((__global char *)x, k0, e0, words, pinned);
        }
        SYNCHRONIZE;

        for (int iteration = 0; iteration < most && running; iteration++) {
            each_t magnitudes;
            each_t phiMask;
            each_t on;
            int anyPhi = 0;
            int anyMinSum = 0;
            for (int k = 0; k < WIDTH; k++) {
                int state = own[k * STATUS + STATE];
                int phi = rule == PHI && state >= minSumBelow;
                on.s[k] = active[k];
                phiMask.s[k] = -phi;
                magnitudes.s[k] = (phi ? PSI : MIN_SUM) + state * SIZE;
                anyPhi |= phi & active[k];
                anyMinSum |= ~phi & active[k] & 1;
            }
            SYNCHRONIZE;
            if (LANE == 0) {
                for (int k = 0; k < WIDTH; k++) {
                    count[k] = 0;
                    violated[k] = 0;
                }
            }
            each_t unsatisfied;
            unsatisfied.v = 0;
            for (int r = 0; r < rows; r++) {
                unsatisfied.v -= layer(
                        x,
                        m,
                        s,
                        syndromeWords,
                        r,
                        rowStarts[r],
                        rowStarts[r + 1],
                        edges,
                        tables,
                        magnitudes.v,
                        phiMask.v,
                        anyPhi,
                        anyMinSum,
                        on.v,
                        circulant);
                SYNCHRONIZE;
            }
            for (int k = 0; k < WIDTH; k++) {
                ADD(&count[k], unsatisfied.s[k]);
            }
            SYNCHRONIZE;
            if (pinning) {
                pin((__global char *)x, k0, e0, words, pinned);
            }
            if (LANE == 0) {
                checking = 0;
                for (int k = 0; k < WIDTH; k++) {
                    asked[k] = 0;
                    hopeless[k] = 0;
                    if (active[k]) {
                        long was = own[k * STATUS + UNSATISFIED];
                        long now = count[k];
                        int state = 0;
                        while (state < 30 && now >= thresholds[state]) {
                            state++;
                        }
                        int done = own[k * STATUS + ITERATIONS] + 1;
                        own[k * STATUS + ITERATIONS] = done;
                        own[k * STATUS + STATE] = state;
                        own[k * STATUS + UNSATISFIED] = (int)now;
                        hopeless[k] = done % STRIDE == 0 && bits >= LONG_FRAME && now * 64 > checks
                                && now * PROGRESS > (long)own[k * STATUS + MILESTONE] * (PROGRESS - 1);
                        asked[k] = now * 256 <= checks || (now * 8 <= checks && now * 8 >= was * 7)
                                || iteration == most - 1 || hopeless[k];
                        checking |= asked[k];
                    }
                }
            }
            SYNCHRONIZE;
            if (checking) {
                check(x, s, syndromeWords, rows, rowStarts, edges, violated, circulant);
            }
            SYNCHRONIZE;
            if (LANE == 0) {
                running = 0;
                pinning = 0;
                for (int k = 0; k < WIDTH; k++) {
                    if (active[k]) {
                        if (asked[k] && !violated[k]) {
                            own[k * STATUS + CONVERGED] = 1;
                            active[k] = 0;
                        } else if (hopeless[k]) {
                            active[k] = 0;
                        } else if (own[k * STATUS + ITERATIONS] % STRIDE == 0) {
                            own[k * STATUS + MILESTONE] = own[k * STATUS + UNSATISFIED];
                        }
                    }
                    pinned[k] = pinned[k] && active[k];
                    running |= active[k];
                    pinning |= pinned[k];
                }
            }
            SYNCHRONIZE;
        }
        for (int w = LANE; w < words * WIDTH; w += LANES) {
            int k = w / words;
            int from = (w - k * words) * 32;
            if (own[k * STATUS + FLAGS] & RUN) {
                uint decision = 0;
                for (int b = 0; b < 32; b++) {
                    decision |= (uint)(((__global const char *)x)[(from + b) * WIDTH + k] < 0) << b;
                }
                d[w] = decision;
            }
        }
        SYNCHRONIZE;
    }
}
