// Products of polynomials over GF(2) by the additive Fourier transform modulo s_m + 1 (docs/additive-fft.md), 21 <= m <= 31.
//
// Bit j of the memory is coefficient j. From m = 21 up the five index bits that select the part of an element of GF(2^32), m - 1, m - 2,
// m - 4, m - 8 and m - 16, are above those that count the bits of a word. So a word always holds one bit ("plane") of 32 elements, the
// planes of an element lie in words at fixed distances, and products of elements are ANDs and XORs of words: no tables, no
// transposition, and as many elements side by side as a device has lanes.

// Cantor's basis in the tower basis: dev.qdistill.gf2.CantorTower.
__constant uint BETA[32] = {
    0x1, 0x2, 0x4, 0xa, 0x10, 0x28, 0x4a, 0xac,
    0x100, 0x280, 0x4aa, 0xac2, 0x10a6, 0x28f4, 0x4a90, 0xacc8,
    0x10000, 0x280e4, 0x4aa06, 0xac266, 0x10a664, 0x28f486, 0x4a90ac, 0xacc8c2,
    0x100aca2, 0x2801018, 0x4aa3b4a, 0xac284e2, 0x10a60a8a, 0x28f427c2, 0x4a90ab4e, 0xacc8241e,
};

// x times beta_(n-1), the constant of the next field of the tower.
inline void turn1(const uint *x, uint *y) {
    y[0] = x[0];
}

inline void turn2(const uint *x, uint *y) {
    y[0] = x[1];
    y[1] = x[1] ^ x[0];
}

inline void turn4(const uint *x, uint *y) {
    uint t0 = x[0] ^ x[1];
    y[0] = x[3] ^ x[2] ^ x[1];
    y[1] = t0 ^ x[2];
    y[2] = x[1];
    y[3] = t0;
}

inline void turn8(const uint *x, uint *y) {
    uint t0 = x[1] ^ x[5];
    uint t1 = x[4] ^ x[7];
    uint t2 = x[0] ^ x[2];
    uint t3 = x[6] ^ t0;
    uint t4 = t1 ^ t2;
    y[0] = x[6] ^ x[5] ^ x[2];
    y[1] = t1 ^ x[5] ^ x[3];
    y[2] = t3 ^ t2 ^ x[4] ^ x[3];
    y[3] = t4;
    y[4] = t0 ^ x[7] ^ x[3] ^ x[2];
    y[5] = t4 ^ t3;
    y[6] = t1 ^ x[6] ^ x[1];
    y[7] = t3 ^ x[0];
}

inline void turn16(const uint *x, uint *y) {
    uint t0 = x[10] ^ x[15];
    uint t1 = x[2] ^ x[9];
    uint t2 = x[7] ^ x[11];
    uint t3 = x[1] ^ t0;
    uint t4 = x[8] ^ x[13];
    uint t5 = x[0] ^ x[6];
    uint t6 = x[5] ^ x[14];
    uint t7 = x[3] ^ x[12];
    uint t8 = x[4] ^ t1;
    uint t9 = t3 ^ t5;
    uint t10 = x[2] ^ t6;
    uint t11 = x[3] ^ t2;
    uint t12 = x[12] ^ t2;
    uint t13 = t4 ^ t8;
    uint t14 = x[0] ^ t12;
    uint t15 = x[1] ^ x[5];
    uint t16 = x[5] ^ t0;
    uint t17 = x[6] ^ x[8];
    uint t18 = x[7] ^ x[14];
    uint t19 = t1 ^ t7;
    uint t20 = t2 ^ t3;
    uint t21 = t4 ^ t7;
    y[0] = t19 ^ t6 ^ x[11];
    y[1] = t16 ^ t13 ^ x[11];
    y[2] = t21 ^ t20;
    y[3] = t19 ^ t18 ^ t9;
    y[4] = t18 ^ t1 ^ t0;
    y[5] = t17 ^ t11 ^ x[14] ^ x[9];
    y[6] = t13 ^ t9 ^ x[3];
    y[7] = t14 ^ t10 ^ t4 ^ x[15];
    y[8] = t10 ^ x[11] ^ x[6];
    y[9] = t16 ^ t11 ^ x[4];
    y[10] = t21 ^ t10 ^ t9 ^ x[4];
    y[11] = t14 ^ t8 ^ x[14];
    y[12] = t15 ^ t11 ^ t1 ^ x[13];
    y[13] = t15 ^ t13 ^ t12 ^ t5 ^ x[10];
    y[14] = t20 ^ t17 ^ x[4];
    y[15] = t9 ^ t6 ^ x[9];
}

inline void times1(const uint *a, const uint *b, uint *c) {
    c[0] = a[0] & b[0];
}

// c = a b in the field of twice the planes: (a0 + a1 beta)(b0 + b1 beta) with beta^2 = beta + beta_(n-1), by Karatsuba's method.
#define DEFINE_TIMES(TWICE, N) \
    inline void times##TWICE(const uint *a, const uint *b, uint *c) { \
        uint low[N], high[N], x[N], y[N], both[N]; \
        for (int k = 0; k < N; k++) { \
            x[k] = a[k] ^ a[k + N]; \
            y[k] = b[k] ^ b[k + N]; \
        } \
        times##N(a, b, low); \
        times##N(a + N, b + N, high); \
        times##N(x, y, both); \
        turn##N(high, x); \
        for (int k = 0; k < N; k++) { \
            c[k] = low[k] ^ x[k]; \
            c[k + N] = both[k] ^ low[k]; \
        } \
    }
DEFINE_TIMES(2, 1)
DEFINE_TIMES(4, 2)
DEFINE_TIMES(8, 4)
DEFINE_TIMES(16, 8)
DEFINE_TIMES(32, 16)

// x with a zero inserted at bit i.
inline uint open(uint x, int i) {
    return x >> i << (i + 1) | x & ((1u << i) - 1);
}

// Words between the planes 2^t of an element.
#define PLANE(t) (1u << (m - (1 << (t)) - 5))

// The word of plane e, relative to that of plane 0.
inline uint plane(int e, int m) {
    return (e & 1 ? PLANE(0) : 0) + (e & 2 ? PLANE(1) : 0) + (e & 4 ? PLANE(2) : 0) + (e & 8 ? PLANE(3) : 0)
            + (e & 16 ? PLANE(4) : 0);
}

// s_i of the point of word `at`: the sum of beta_(k-i) over its bits k > i; with beta_(m-i) where the stage is a whole one.
inline uint twiddle(uint at, int i, int m, int whole) {
    uint w = whole ? BETA[m - i] : 0;
    for (int k = max(i + 1, 5); k < m; k++) {
        w ^= -(at >> (k - 5) & 1) & BETA[k - i];
    }
    return w;
}

// Stage i >= 5 on elements of N planes: lo += w hi; hi += lo. Inverse, the other way round. Where the stage is the one that joins
// two elements of N planes to one of 2 N (not whole), only lo changes, with the sum of the lower terms of w.
#define DEFINE_STAGE(N, LOG) \
    __kernel void stage##N(__global uint *f, int m, int i, int whole, int inverse) { \
        uint at = open((uint)get_global_id(0), i - 5); \
        for (int t = LOG - 1; t >= 0; t--) { \
            at = open(at, m - (1 << t) - 5); \
        } \
        uint w = twiddle(at, i, m, whole); \
        __global uint *lower = f + at; \
        __global uint *upper = lower + (1u << (i - 5)); \
        uint lo[N], hi[N], c[N], p[N]; \
        for (int e = 0; e < N; e++) { \
            lo[e] = lower[plane(e, m)]; \
            hi[e] = upper[plane(e, m)] ^ (inverse && whole ? lo[e] : 0); \
            c[e] = -(w >> e & 1); \
        } \
        times##N(hi, c, p); \
        for (int e = 0; e < N; e++) { \
            lo[e] ^= p[e]; \
            lower[plane(e, m)] = lo[e]; \
            if (whole) { \
                upper[plane(e, m)] = inverse ? hi[e] : hi[e] ^ lo[e]; \
            } \
        } \
    }
DEFINE_STAGE(4, 2)
DEFINE_STAGE(8, 3)
DEFINE_STAGE(16, 4)
DEFINE_STAGE(32, 5)

// Stages 4 to 0, whose elements share words, on one word of each plane.
inline void lanes(uint *x, uint at, int m, int inverse) {
    const uint ones[5] = {0xaaaaaaaau, 0xccccccccu, 0xf0f0f0f0u, 0xff00ff00u, 0xffff0000u};
    for (int step = 0; step < 5; step++) {
        int i = inverse ? step : 4 - step;
        int shift = 1 << i;
        uint upper = ones[i];
        uint w = twiddle(at, i, m, 1);
        uint hi[32], c[32], p[32];
        for (int e = 0; e < 32; e++) {
            hi[e] = x[e] >> shift & ~upper;
            if (inverse) {
                hi[e] ^= x[e] & ~upper;
            }
            c[e] = -(w >> e & 1);
            for (int k = i + 1; k < 5; k++) {
                c[e] ^= -(BETA[k - i] >> e & 1) & ones[k];
            }
        }
        times32(hi, c, p);
        for (int e = 0; e < 32; e++) {
            uint lo = (x[e] ^ p[e]) & ~upper;
            x[e] = lo | (inverse ? hi[e] : hi[e] ^ lo) << shift;
        }
    }
}

inline uint element(uint x, int m) {
    for (int t = 4; t >= 0; t--) {
        x = open(x, m - (1 << t) - 5);
    }
    return x;
}

// The last five stages.
__kernel void values(__global uint *f, int m) {
    uint at = element((uint)get_global_id(0), m);
    uint x[32];
    for (int e = 0; e < 32; e++) {
        x[e] = f[at + plane(e, m)];
    }
    lanes(x, at, m, 0);
    for (int e = 0; e < 32; e++) {
        f[at + plane(e, m)] = x[e];
    }
}

// The last five stages, the product with another polynomial's values, and the first five stages back.
__kernel void multiply_values(__global uint *f, __global const uint *factor, int m) {
    uint at = element((uint)get_global_id(0), m);
    uint x[32], y[32], z[32];
    for (int e = 0; e < 32; e++) {
        x[e] = f[at + plane(e, m)];
    }
    lanes(x, at, m, 0);
    for (int e = 0; e < 32; e++) {
        y[e] = factor[at + plane(e, m)];
    }
    times32(x, y, z);
    lanes(z, at, m, 1);
    for (int e = 0; e < 32; e++) {
        f[at + plane(e, m)] = z[e];
    }
}

// Level (p, q), p >= 5, of the conversion between monomials and the basis of the transform (dev.qdistill.gf2.BasisConversion): f[i -
// 2^p + 2^q] ^= f[i] over the upper half of each 2^(p + 1) bits, from the top down. A work-item for each word of the upper halves.
__kernel void level(__global uint *f, int p, int q, int inverse) {
    uint id = (uint)get_global_id(0);
    uint span = 1u << (p - 5);
    uint k = id & (span - 1);
    __global uint *lo = f + ((id >> (p - 5)) << (p - 4));
    __global uint *hi = lo + span;
    uint x = hi[k];
    if (q >= 5) {
        // First what the top of the half adds to its bottom.
        uint shift = 1u << (q - 5);
        uint wrapped = k < shift ? x ^ hi[k + span - shift] : x;
        if (k < span - shift) {
            lo[k + shift] ^= inverse ? x : wrapped;
        }
        if (k < shift) {
            hi[k] = wrapped;
        }
    } else {
        // Within words. The neighbour's bits that come in here are not those that wrap into it.
        int shift = 1 << q;
        uint wrapped = k == 0 ? x ^ hi[span - 1] >> (32 - shift) : x;
        uint below = k == 0 ? 0 : hi[k - 1] >> (32 - shift);
        lo[k] ^= (inverse ? x : wrapped) << shift | below;
        if (k == 0) {
            hi[0] = wrapped;
        }
    }
}

// The levels (3, 1), (2, 0), (1, 0), (3, 2) on four bits of the index from `low` up, low >= 5: sixteen words for each work-item.
__kernel void levels16(__global uint *f, int low, int inverse) {
    const int ps[4] = {3, 2, 1, 3};
    const int qs[4] = {1, 0, 0, 2};
    uint id = (uint)get_global_id(0);
    int b = low - 5;
    __global uint *at = f + ((id >> b << (b + 4)) | (id & ((1u << b) - 1)));
    uint r[16];
    for (int k = 0; k < 16; k++) {
        r[k] = at[(uint)k << b];
    }
    for (int step = 0; step < 4; step++) {
        int l = inverse ? 3 - step : step;
        for (int n = 0; n < 16; n++) {
            int i = inverse ? n : 15 - n;
            if (i >> ps[l] & 1) {
                r[i - (1 << ps[l]) + (1 << qs[l])] ^= r[i];
            }
        }
    }
    for (int k = 0; k < 16; k++) {
        at[(uint)k << b] = r[k];
    }
}

// The levels (4, 0), (3, 1), (2, 0), (1, 0), (3, 2), which stay within a word.
__kernel void levels_in_words(__global uint *f, int inverse) {
    const int ps[5] = {4, 3, 2, 1, 3};
    const int qs[5] = {0, 1, 0, 0, 2};
    const uint ones[5] = {0xaaaaaaaau, 0xccccccccu, 0xf0f0f0f0u, 0xff00ff00u, 0xffff0000u};
    uint id = (uint)get_global_id(0);
    uint x = f[id];
    for (int step = 0; step < 5; step++) {
        int l = inverse ? 4 - step : step;
        int p = ps[l];
        int distance = (1 << p) - (1 << qs[l]);
        // Of the upper half the top 2^q bits, which stay in it.
        uint top = ones[p];
        for (int k = qs[l]; k < p; k++) {
            top &= ones[k];
        }
        if (!inverse) {
            x ^= (x & top) >> distance;
        }
        x ^= (x & ones[p] & ~top) >> distance;
        if (inverse) {
            x ^= (x & top) >> distance;
        }
    }
    f[id] = x;
}

// Bit q += the sum of the bits q + 2^m - 2^j, j over the numbers other than m whose binary digits are among those of m: what makes
// a sequence of 2^m bits a polynomial whose products modulo s_m + 1 are its middle products, and back (SparseModulus). A work-item
// for each word of the lower half, which alone changes.
__kernel void sparse_modulus(__global uint *f, int m) {
    uint k = (uint)get_global_id(0);
    uint words = 1u << (m - 5);
    uint sum = 0;
    for (int j = 0; j < m; j++) {
        if ((j & m) == j) {
            if (j >= 5) {
                uint shift = 1u << (j - 5);
                if (k < shift) {
                    sum ^= f[words - shift + k];
                }
            } else if (k == 0) {
                sum ^= f[words - 1] >> (32 - (1 << j));
            }
        }
    }
    f[k] ^= sum;
}
