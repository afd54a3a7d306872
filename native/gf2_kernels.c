// The kernels of dev.qdistill.gf2 for AVX-512 (F, BW, VBMI) with GFNI: each does what the Java class of the same name does, on the
// same memory. One difference: products by constants are matrices of bits (BitMatrices) where Java looks them up (LookupTables).
// gf2_kernels_avx2*.c compile this file again, for AVX2.
// flags: -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vbmi -mavx512vbmi2 -mgfni -mvpclmulqdq -mpclmul -mbmi -mbmi2

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#ifndef NAME
#define NAME(kernel) qd_gf2_avx512_##kernel
#endif
#define EXPORT __attribute__((visibility("default")))

typedef __m512i V;

static inline V ld(int64_t a) { return _mm512_loadu_si512((const void *)a); }
static inline void st(int64_t a, V v) { _mm512_storeu_si512((void *)a, v); }
static inline V xor2(V a, V b) { return _mm512_xor_si512(a, b); }
static inline V xor3(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
// a ^ (b & m)
static inline V xorand(V a, V b, V m) { return _mm512_ternarylogic_epi64(a, b, m, 0x78); }
// table[index]
static inline V look(V index, V table) { return _mm512_permutexvar_epi8(index, table); }
static inline int64_t spread(int64_t k, int64_t mask) { return (int64_t)_pdep_u64((uint64_t)k, (uint64_t)mask); }
// Bits 6, 7 of x0 at 4, 5; those of x1 at 2, 3.
static inline V top_bits(V x0, V x1) {
  V m = _mm512_set1_epi8(0x30);
  return _mm512_ternarylogic_epi64(_mm512_srli_epi32(x0, 2), _mm512_srli_epi32(x1, 4), m, 0xe4);
}

EXPORT void NAME(xor)(int64_t to, int64_t from, int64_t bytes) {
  for (int64_t k = 0; k < bytes; k += 64) st(to + k, xor2(ld(to + k), ld(from + k)));
}

// A matrix of 8x8 bits times every byte: the products by constants (BitMatrices).
#define MATRIX(a) _mm512_set1_epi64(*(const int64_t *)(a))
#define MUL(x, m) _mm512_gf2p8affine_epi64_epi8(x, m, 0)

EXPORT void NAME(bytes)(int64_t lo, int64_t hi, int32_t vectors, int64_t mask, int64_t table, int32_t pre, int32_t post) {
  V before = _mm512_set1_epi8((char)pre), after = _mm512_set1_epi8((char)post), m = MATRIX(table);
  for (int32_t k = 0; k < vectors; k++) {
    int64_t at = spread(k, mask);
    V l = ld(lo + at), h = xorand(ld(hi + at), l, before);
    l = xor2(l, MUL(h, m));
    st(lo + at, l);
    st(hi + at, xorand(h, l, after));
  }
}

EXPORT void NAME(map)(int64_t data, int32_t vectors, int64_t table) {
  V m = MATRIX(table);
  for (int32_t k = 0; k < vectors; k++) st(data + 64 * (int64_t)k, MUL(ld(data + 64 * (int64_t)k), m));
}

EXPORT void NAME(shorts)(int64_t data, int64_t from, int64_t to, int64_t block_mask, int32_t vectors, int64_t mask, int64_t stride,
                          int64_t plane, int64_t table, int64_t deltas, int32_t pre, int32_t post) {
  V before = _mm512_set1_epi8((char)pre), after = _mm512_set1_epi8((char)post);
  for (int64_t b = from; b < to; b++) {
    int64_t block = data + spread(b, block_mask);
    V m00 = MATRIX(table), m01 = MATRIX(table + 8), m10 = MATRIX(table + 16), m11 = MATRIX(table + 24);
    for (int32_t k = 0; k < vectors; k++) {
      int64_t l = block + spread(k, mask), h = l + stride;
      V l0 = ld(l), l1 = ld(l + plane);
      V h0 = xorand(ld(h), l0, before), h1 = xorand(ld(h + plane), l1, before);
      l0 = xor3(l0, MUL(h0, m00), MUL(h1, m01));
      l1 = xor3(l1, MUL(h0, m10), MUL(h1, m11));
      st(h, xorand(h0, l0, after));
      st(h + plane, xorand(h1, l1, after));
      st(l, l0);
      st(l + plane, l1);
    }
    if (b + 1 < to) {
      int64_t d = deltas + 64 * (int64_t)__builtin_ctzll((uint64_t)(b + 1));
      for (int i = 0; i < 32; i += 8) *(int64_t *)(table + i) ^= *(const int64_t *)(d + i);
    }
  }
}

EXPORT void NAME(add)(int64_t to, int64_t from, int64_t p, int64_t q, int32_t vectors, int64_t mask) {
  for (int32_t k = 0; k < vectors; k++) {
    int64_t t = to + spread(k, mask), f = from + spread(k, mask);
    st(t, xor2(ld(t), ld(f)));
    st(t + p, xor2(ld(t + p), ld(f + p)));
    st(t + q, xor2(ld(t + q), ld(f + q)));
    st(t + q + p, xor2(ld(t + q + p), ld(f + q + p)));
  }
}

EXPORT void NAME(ints)(int64_t lo, int64_t hi, int64_t p, int64_t q, int32_t vectors, int64_t mask, int64_t table) {
  V m[16];
  for (int i = 0; i < 16; i++) m[i] = MATRIX(table + 8 * i);
  for (int32_t k = 0; k < vectors; k++) {
    int64_t l = lo + spread(k, mask), h = hi + spread(k, mask);
    V h0 = ld(h), h1 = ld(h + p), h2 = ld(h + q), h3 = ld(h + q + p);
#define SUM(at, i) st(at, xor3(xor3(ld(at), MUL(h0, m[i]), MUL(h1, m[i + 1])), MUL(h2, m[i + 2]), MUL(h3, m[i + 3])))
    SUM(l, 0);
    SUM(l + p, 4);
    SUM(l + q, 8);
    SUM(l + q + p, 12);
  }
}

#define NIB(x) _mm512_srli_epi32(x, 4)
#define TERM(x, c, e) look(_mm512_add_epi8(look(x, log), c), e)

// tables: logarithms, exponentials e0 e1 e2, those times beta_7.
EXPORT void NAME(lanes)(int64_t data, int32_t blocks, int64_t block_mask, int32_t vectors, int64_t mask, int64_t stride,
                         int64_t plane, int64_t constants, int64_t tables, int32_t pre, int32_t post) {
  V before = _mm512_set1_epi8((char)pre), after = _mm512_set1_epi8((char)post);
  V log = ld(tables), e0 = ld(tables + 64), e1 = ld(tables + 128), e2 = ld(tables + 192);
  for (int32_t b = 0; b < blocks; b++) {
    int64_t lo = data + spread(b, block_mask);
    V c[9];
    for (int i = 0; i < 9; i++) c[i] = ld(constants + 576 * (int64_t)b + 64 * i);
    for (int32_t k = 0; k < vectors; k++) {
      int64_t l = lo + spread(k, mask), h = l + stride;
      V l0 = ld(l), l1 = ld(l + plane);
      V h0 = xorand(ld(h), l0, before), h1 = xorand(ld(h + plane), l1, before);
      V n0 = NIB(h0), n1 = NIB(h1), s = xor2(h0, h1), n = xor2(n0, n1);
      V r = xor3(TERM(h0, c[0], e0), TERM(n0, c[1], e1), TERM(xor2(h0, n0), c[2], e2));
      l0 = xor3(xor2(l0, r), TERM(h1, c[3], e0), xor2(TERM(n1, c[4], e1), TERM(xor2(h1, n1), c[5], e2)));
      l1 = xor3(xor2(l1, r), TERM(s, c[6], e0), xor2(TERM(n, c[7], e1), TERM(xor2(s, n), c[8], e2)));
      st(h, xorand(h0, l0, after));
      st(h + plane, xorand(h1, l1, after));
      st(l, l0);
      st(l + plane, l1);
    }
  }
}

#define PROD(x, y, e) look(_mm512_add_epi8(look(x, log), look(y, log)), e)

static inline void product(V x0, V x1, V y0, V y1, int64_t tables, V *r0, V *r1) {
  V log = ld(tables), e0 = ld(tables + 64), e1 = ld(tables + 128), e2 = ld(tables + 192);
  V f0 = ld(tables + 256), f1 = ld(tables + 320), f2 = ld(tables + 384);
  V u0 = NIB(x0), u1 = NIB(x1), v0 = NIB(y0), v1 = NIB(y1);
  V low = xor3(PROD(x0, y0, e0), PROD(u0, v0, e1), PROD(xor2(x0, u0), xor2(y0, v0), e2));
  V high = xor3(PROD(x1, y1, f0), PROD(u1, v1, f1), PROD(xor2(x1, u1), xor2(y1, v1), f2));
  V xs = xor2(x0, x1), ys = xor2(y0, y1), us = xor2(u0, u1), vs = xor2(v0, v1);
  V sum = xor3(PROD(xs, ys, e0), PROD(us, vs, e1), PROD(xor2(xs, us), xor2(ys, vs), e2));
  *r0 = xor2(low, high);
  *r1 = xor2(low, sum);
}

// beta15: look-up tables of x -> beta_15 x.
EXPORT void NAME(pointwise)(int64_t x, int64_t y, int64_t p, int64_t q, int64_t from, int64_t to, int64_t mask, int64_t tables,
                             int64_t beta15) {
  for (int64_t k = from; k < to; k++) {
    int64_t a = x + spread(k, mask), b = y + spread(k, mask);
    V a0 = ld(a), a1 = ld(a + p), a2 = ld(a + q), a3 = ld(a + q + p);
    V b0 = ld(b), b1 = ld(b + p), b2 = ld(b + q), b3 = ld(b + q + p);
    V l0, l1, m0, m1, h0, h1;
    product(a0, a1, b0, b1, tables, &l0, &l1);
    product(xor2(a0, a2), xor2(a1, a3), xor2(b0, b2), xor2(b1, b3), tables, &m0, &m1);
    product(a2, a3, b2, b3, tables, &h0, &h1);
    V t = top_bits(h0, h1);
    st(a + q, xor2(l0, m0));
    st(a + q + p, xor2(l1, m1));
    st(a, xor3(xor2(l0, look(h0, ld(beta15))), look(h1, ld(beta15 + 64)), look(t, ld(beta15 + 128))));
    st(a + p, xor3(xor2(l1, look(h0, ld(beta15 + 192))), look(h1, ld(beta15 + 256)), look(t, ld(beta15 + 320))));
  }
}

static const uint64_t LANES[6] = {0xAAAAAAAAAAAAAAAAull, 0xCCCCCCCCCCCCCCCCull, 0xF0F0F0F0F0F0F0F0ull,
                                  0xFF00FF00FF00FF00ull, 0xFFFF0000FFFF0000ull, 0xFFFFFFFF00000000ull};

static inline V lane_xor(int bit) {
  uint8_t t[64];
  for (int i = 0; i < 64; i++) t[i] = (uint8_t)(i ^ 1 << bit);
  return ld((int64_t)t);
}

#define SWAP(a, b, p, m)                             \
  {                                                  \
    V pa = look(p, a), pb = look(p, b);              \
    a = _mm512_mask_blend_epi8(m, a, pb);            \
    b = _mm512_mask_blend_epi8(m, pa, b);            \
  }

EXPORT void NAME(exchange)(int64_t data, int32_t groups, int64_t mask, int64_t d0, int64_t d1, int64_t d2, int32_t first) {
  V p0 = lane_xor(first), p1 = lane_xor(first + 1), p2 = lane_xor(first + 2);
  uint64_t m0 = LANES[first], m1 = LANES[first + 1], m2 = LANES[first + 2];
  for (int32_t g = 0; g < groups; g++) {
    int64_t a = data + spread(g, mask);
    V v[8];
    for (int i = 0; i < 8; i++) v[i] = ld(a + (i & 1) * d0 + (i >> 1 & 1) * d1 + (i >> 2) * d2);
    SWAP(v[0], v[1], p0, m0) SWAP(v[2], v[3], p0, m0) SWAP(v[4], v[5], p0, m0) SWAP(v[6], v[7], p0, m0)
    SWAP(v[0], v[2], p1, m1) SWAP(v[1], v[3], p1, m1) SWAP(v[4], v[6], p1, m1) SWAP(v[5], v[7], p1, m1)
    SWAP(v[0], v[4], p2, m2) SWAP(v[1], v[5], p2, m2) SWAP(v[2], v[6], p2, m2) SWAP(v[3], v[7], p2, m2)
    for (int i = 0; i < 8; i++) st(a + (i & 1) * d0 + (i >> 1 & 1) * d1 + (i >> 2) * d2, v[i]);
  }
}

#define BITSWAP(a, b, s, x)                                                              \
  {                                                                                      \
    V na = _mm512_ternarylogic_epi64(_mm512_slli_epi64(b, s), a, x, 0xe4);               \
    b = _mm512_ternarylogic_epi64(b, _mm512_srli_epi64(a, s), x, 0xe4);                  \
    a = na;                                                                              \
  }

EXPORT void NAME(bits)(int64_t from, int64_t from_mask, int64_t s0, int64_t s1, int64_t s2, int64_t to, int64_t to_mask, int64_t t0,
                        int64_t t1, int64_t t2, int32_t groups) {
  V x1 = _mm512_set1_epi8((char)0xAA), x2 = _mm512_set1_epi8((char)0xCC), x4 = _mm512_set1_epi8((char)0xF0);
  for (int32_t g = 0; g < groups; g++) {
    int64_t a = from + spread(g, from_mask), b = to + spread(g, to_mask);
    V v[8];
    for (int i = 0; i < 8; i++) v[i] = ld(a + (i & 1) * s0 + (i >> 1 & 1) * s1 + (i >> 2) * s2);
    for (int i = 0; i < 4; i++) BITSWAP(v[i], v[i + 4], 4, x4)
    for (int i = 0; i < 6; i++) if (!(i & 2)) BITSWAP(v[i], v[i + 2], 2, x2)
    for (int i = 0; i < 8; i += 2) BITSWAP(v[i], v[i + 1], 1, x1)
    for (int i = 0; i < 8; i++) st(b + (i & 1) * t0 + (i >> 1 & 1) * t1 + (i >> 2) * t2, v[i]);
  }
}

// Basis conversion of blocks of 2^16 bits: see BasisConversion, InnerConversion, RowConversion.

#define DOWN(v, n, lanes) _mm512_maskz_permutexvar_epi64(lanes, _mm512_setr_epi64(n, n + 1, (n + 2) & 7, (n + 3) & 7, (n + 4) & 7, (n + 5) & 7, (n + 6) & 7, (n + 7) & 7), v)
#define SR(v, n) _mm512_srli_epi64(v, n)
#define SL(v, n) _mm512_slli_epi64(v, n)
#define AND(v, m) _mm512_and_si512(v, _mm512_set1_epi64((int64_t)(m)))

static inline V level8(V v, int inverse) {
  V s = SR(v, 63), wrap = DOWN(s, 3, 0x10), carry = DOWN(s, 3, 0x0e);
  if (!inverse) v = xor2(v, wrap);
  v = xor3(v, SL(DOWN(v, 4, 0x0f), 1), carry);
  return inverse ? xor2(v, wrap) : v;
}

static inline V level7(V v, int s, int inverse) {
  V t = SR(v, 64 - s), wrap = DOWN(t, 1, 0x44), carry = DOWN(t, 1, 0x22);
  if (!inverse) v = xor2(v, wrap);
  v = xor3(v, SL(DOWN(v, 2, 0x33), s), carry);
  return inverse ? xor2(v, wrap) : v;
}

static inline V level6(V v, int s, int inverse) {
  V wrap = _mm512_maskz_mov_epi64(0xaa, SR(v, 64 - s));
  if (!inverse) v = xor2(v, wrap);
  v = xor2(v, SL(DOWN(v, 1, 0x55), s));
  return inverse ? xor2(v, wrap) : v;
}

static inline V level76(V v, int inverse) {
  V wrap = DOWN(v, 1, 0x44);
  if (!inverse) return xor2(xor2(v, wrap), DOWN(xor2(v, wrap), 1, 0x22));
  return xor3(v, wrap, DOWN(v, 1, 0x22));
}

// x ^= (upper half) >> d ^ (top bits) >> 2d; in the inverse the second term drops out.
#define WORD(v, d, m, m2) (inverse ? xor2(v, AND(SR(v, d), m)) : xor3(v, AND(SR(v, d), m), AND(SR(v, 2 * (d)), m2)))

static inline V inner(V v, int inverse) {
  if (!inverse) {
    v = level6(level7(level8(v, 0), 8, 0), 4, 0);
    v = WORD(v, 30, 0x00000003fffffffcull, 0x000000000000000cull);
    v = WORD(v, 15, 0x0001fffe0001fffeull, 0x0000000200000002ull);
    v = WORD(v, 6, 0x03fc03fc03fc03fcull, 0x000c000c000c000cull);
    v = WORD(v, 3, 0x1e1e1e1e1e1e1e1eull, 0x0202020202020202ull);
    v = WORD(v, 1, 0x6666666666666666ull, 0x2222222222222222ull);
    v = WORD(v, 4, 0x0ff00ff00ff00ff0ull, 0x00f000f000f000f0ull);
    v = level6(level7(v, 32, 0), 16, 0);
    v = WORD(v, 16, 0x0000ffffffff0000ull, 0x00000000ffff0000ull);
    return level76(v, 0);
  }
  v = level76(v, 1);
  v = WORD(v, 16, 0x0000ffffffff0000ull, 0x00000000ffff0000ull);
  v = level7(level6(v, 16, 1), 32, 1);
  v = WORD(v, 4, 0x0ff00ff00ff00ff0ull, 0x00f000f000f000f0ull);
  v = WORD(v, 1, 0x6666666666666666ull, 0x2222222222222222ull);
  v = WORD(v, 3, 0x1e1e1e1e1e1e1e1eull, 0x0202020202020202ull);
  v = WORD(v, 6, 0x03fc03fc03fc03fcull, 0x000c000c000c000cull);
  v = WORD(v, 15, 0x0001fffe0001fffeull, 0x0000000200000002ull);
  v = WORD(v, 30, 0x00000003fffffffcull, 0x000000000000000cull);
  return level8(level7(level6(v, 4, 1), 8, 1), 1);
}

// Level (p, q): half and shift in bytes, shift 1 to 32.
static inline void level_bytes(int64_t a, int half, int shift, int inverse) {
  __mmask64 wrap = ((__mmask64)1 << shift) - 1, moved = (wrap << shift) & ~wrap;
  for (int at = 0; at < 8192; at += 2 * half) {
    int64_t lo = a + at, hi = lo + half;
    for (int k = half - 64; k > 0; k -= 64) st(lo + k, xor2(ld(lo + k), ld(hi + k - shift)));
    V l = xor2(ld(lo), _mm512_maskz_loadu_epi8(~wrap, (void *)(hi - shift)));
    if (!inverse) l = xor2(l, _mm512_maskz_loadu_epi8(moved, (void *)(hi + half - 2 * shift)));
    V h = xor2(ld(hi), _mm512_maskz_loadu_epi8(wrap, (void *)(hi + half - shift)));
    st(lo, l);
    st(hi, h);
  }
}

static inline void level_rows(int64_t a, int half, int shift, int inverse) {
  for (int at = 0; at < 8192; at += 2 * half) {
    int64_t lo = a + at, hi = lo + half;
    if (!inverse) NAME(xor)(hi, hi + half - shift, shift);
    NAME(xor)(lo + shift, hi, half - shift);
    if (inverse) NAME(xor)(hi, hi + half - shift, shift);
  }
}

#define UP(v) _mm512_permutexvar_epi64(_mm512_setr_epi64(7, 0, 1, 2, 3, 4, 5, 6), v)
#define LOW1(v) _mm512_maskz_mov_epi64(1, v)
#define HIGH7(v) _mm512_maskz_mov_epi64(0xfe, v)

static inline void carries(int64_t a, int inverse) {
  for (int k = 0; k < 8192; k += 256) {
    V v0 = ld(a + k), v1 = ld(a + k + 64), v2 = ld(a + k + 128), v3 = ld(a + k + 192);
    for (int step = 0; step < 2; step++) {
      if ((step == 0) != (inverse != 0)) {
        V c2 = UP(SR(v2, 60)), c3 = UP(SR(v3, 60)), w = xor2(v2, LOW1(c3));
        v0 = xor3(v0, SL(inverse ? v2 : w, 4), HIGH7(c2));
        v1 = xor3(v1, SL(v3, 4), _mm512_mask_blend_epi64(1, c3, c2));
        v2 = w;
      } else {
        V c1 = UP(SR(v1, 62)), c3 = UP(SR(v3, 62)), w1 = xor2(v1, LOW1(c1)), w3 = xor2(v3, LOW1(c3));
        v0 = xor3(v0, SL(inverse ? v1 : w1, 2), HIGH7(c1));
        v2 = xor3(v2, SL(inverse ? v3 : w3, 2), HIGH7(c3));
        v1 = w1;
        v3 = w3;
      }
    }
    st(a + k, v0);
    st(a + k + 64, v1);
    st(a + k + 128, v2);
    st(a + k + 192, v3);
  }
}

#define STEP(t, f) v[t] = xor2(v[t], v[f]);

EXPORT void NAME(rows16)(int64_t a, int64_t stride, int32_t columns, int32_t inverse) {
  for (int32_t k = 0; k < columns; k++) {
    int64_t at = a + 64 * (int64_t)k;
    V v[16];
    for (int i = 0; i < 16; i++) v[i] = ld(at + i * stride);
    if (!inverse) {
      STEP(9, 15) STEP(8, 14) STEP(7, 13) STEP(6, 12) STEP(5, 11) STEP(4, 10) STEP(3, 9) STEP(2, 8)
      STEP(4, 7) STEP(3, 6) STEP(2, 5) STEP(1, 4) STEP(12, 15) STEP(11, 14) STEP(10, 13) STEP(9, 12)
      STEP(2, 3) STEP(1, 2) STEP(6, 7) STEP(5, 6) STEP(10, 11) STEP(9, 10) STEP(14, 15) STEP(13, 14)
      STEP(11, 15) STEP(10, 14) STEP(9, 13) STEP(8, 12) STEP(7, 11) STEP(6, 10) STEP(5, 9) STEP(4, 8)
    } else {
      STEP(4, 8) STEP(5, 9) STEP(6, 10) STEP(7, 11) STEP(8, 12) STEP(9, 13) STEP(10, 14) STEP(11, 15)
      STEP(13, 14) STEP(14, 15) STEP(9, 10) STEP(10, 11) STEP(5, 6) STEP(6, 7) STEP(1, 2) STEP(2, 3)
      STEP(9, 12) STEP(10, 13) STEP(11, 14) STEP(12, 15) STEP(1, 4) STEP(2, 5) STEP(3, 6) STEP(4, 7)
      STEP(2, 8) STEP(3, 9) STEP(4, 10) STEP(5, 11) STEP(6, 12) STEP(7, 13) STEP(8, 14) STEP(9, 15)
    }
    for (int i = 0; i < 16; i++) st(at + i * stride, v[i]);
  }
}

#define HALVES(v) _mm512_shuffle_i64x2(v, v, 0x4e)
#define LOWER(v) _mm512_maskz_mov_epi64(0x0f, v)
#define UPPER(v) _mm512_maskz_mov_epi64(0xf0, v)

static inline void pair98(V *v, int inverse) {
  V r = LOWER(HALVES(v[1])), w = xor2(v[1], r);
  v[0] = xor2(v[0], UPPER(HALVES(inverse ? v[1] : w)));
  v[1] = w;
}

static inline void quad108(V *v, int inverse) {
  V r3 = HALVES(v[3]), w = xor2(v[2], LOWER(r3)), r = HALVES(inverse ? v[2] : w);
  v[0] = xor2(v[0], UPPER(r));
  v[1] = xor2(v[1], _mm512_mask_blend_epi64(0xf0, r, r3));
  v[2] = w;
}

static inline void rows8(int64_t a, int inverse) {
  for (int k = 0; k < 8192; k += 512) {
    V v[8];
    for (int i = 0; i < 8; i++) v[i] = ld(a + k + 64 * i);
    if (!inverse) {
      STEP(4, 7) STEP(3, 6) STEP(2, 5) STEP(1, 4)
      quad108(v, 0);
      quad108(v + 4, 0);
      for (int i = 0; i < 8; i += 2) pair98(v + i, 0);
      STEP(5, 7) STEP(4, 6) STEP(3, 5) STEP(2, 4)
    } else {
      STEP(2, 4) STEP(3, 5) STEP(4, 6) STEP(5, 7)
      for (int i = 0; i < 8; i += 2) pair98(v + i, 1);
      quad108(v, 1);
      quad108(v + 4, 1);
      STEP(1, 4) STEP(2, 5) STEP(3, 6) STEP(4, 7)
    }
    for (int i = 0; i < 8; i++) st(a + k + 64 * i, v[i]);
  }
}

EXPORT void NAME(blocks)(int64_t a, int64_t blocks, int32_t inverse) {
  for (int64_t b = 0; b < blocks; b++, a += 8192) {
    if (!inverse) {
      for (int p = 15; p >= 11; p--) level_bytes(a, 1 << (p - 3), 1 << (p - 11), 0);
      carries(a, 0);
      for (int k = 0; k < 8192; k += 64) st(a + k, inner(ld(a + k), 0));
      for (int p = 15; p >= 13; p--) level_rows(a, 1 << (p - 3), 1 << (p - 7), 0);
      level_bytes(a, 512, 32, 0);
      rows8(a, 0);
      NAME(rows16)(a, 512, 8, 0);
    } else {
      NAME(rows16)(a, 512, 8, 1);
      rows8(a, 1);
      level_bytes(a, 512, 32, 1);
      for (int p = 13; p <= 15; p++) level_rows(a, 1 << (p - 3), 1 << (p - 7), 1);
      for (int k = 0; k < 8192; k += 64) st(a + k, inner(ld(a + k), 1));
      carries(a, 1);
      for (int p = 11; p <= 15; p++) level_bytes(a, 1 << (p - 3), 1 << (p - 11), 1);
    }
  }
}

// lo ^= hi << shift, shift 1, 2 … 32 bits, with what is below hi at the start; whole vectors.
EXPORT void NAME(shift)(int64_t lo, int64_t hi, int64_t bytes, int32_t shift) {
  __m128i l = _mm_cvtsi32_si128(shift), r = _mm_cvtsi32_si128(64 - shift);
  for (int64_t k = 0; k < bytes; k += 64)
    st(lo + k, xor3(ld(lo + k), _mm512_sll_epi64(ld(hi + k), l), _mm512_srl_epi64(ld(hi + k - 8), r)));
}
