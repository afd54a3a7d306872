// The transform and the basis conversion of dev.qdistill.gf2 for AVX-512 (F, BW, VBMI) with GFNI.
// gf2_kernels_avx2*.c compile this file again, for AVX2: see avx512_on_avx2.h.
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

EXPORT void NAME(xor)(int64_t to, int64_t from, int64_t bytes) {
  for (int64_t k = 0; k < bytes; k += 64) st(to + k, xor2(ld(to + k), ld(from + k)));
}

// NAME(xor), and writes as many bytes at `own` as they were, which are those of `from` but for a shift: so they are this core's alone. If
// it only read them, they would be in two caches, and each store of the other core would have to call them back.
static void xor_taking(int64_t to, int64_t from, int64_t bytes, int64_t own) {
  for (int64_t k = 0; k < bytes; k += 64) {
    V same = ld(own + k);
    __asm__ volatile("" : "+m"(*(V *)(own + k)));
    st(own + k, same);
    st(to + k, xor2(ld(to + k), ld(from + k)));
  }
}

// The additive Fourier transform (docs/additive-fft.md). Tables are made by NativePlan, which says what is where.
//
// Bytes of GF(2^8) are kept in the basis of the instruction gf2p8mulb, so that products whose factors differ from lane to lane need
// no tables. Constants of whole vectors are matrices of 8x8 bits (gf2p8affineqb). An element of GF(2^16) is in planes 0 and 1, of
// GF(2^32) in planes 0 to 3.

#define INL static inline __attribute__((always_inline))
#define MATRIX(a) _mm512_set1_epi64(*(const int64_t *)(a))
#define MUL(x, m) _mm512_gf2p8affine_epi64_epi8(x, m, 0)
// With a matrix for each quadword.
#ifndef MUL_EACH
#define MUL_EACH(x, m) MUL(x, m)
#endif
#define BYTE(a) _mm512_set1_epi8(*(const char *)(a))
#define PROD(x, y) _mm512_gf2p8mul_epi8(x, y)

enum { TOP = 16, STAGES = 32, FIRST = 9, STATE = 192, ROW = 128 };

typedef struct {
  int64_t m, strips, ops, groups, pointwise, unit_group_bits;
  int64_t unit_mask, reserved;
  int64_t stages[STAGES];
} Plan;

typedef struct {
  int64_t wide, slot, exchange, high, other, other2, lanes, vary, vary2;
} Op;

typedef struct {
  int64_t state[5 * STATE / 8] __attribute__((aligned(64)));
  int64_t matrices[STAGES][ROW / 8] __attribute__((aligned(64)));
  uint64_t block[STAGES];
  const Plan *plan;
  int64_t plane, high, values, factor, group;
  int m, truncated, inverse;
} Run;

// 8x8 bits across eight vectors: bit i of every byte of v[j] becomes bit j of v[i].
#define BITSWAP(a, b, s, x)                                                \
  {                                                                        \
    V na = _mm512_ternarylogic_epi64(_mm512_slli_epi64(b, s), a, x, 0xe4); \
    b = _mm512_ternarylogic_epi64(b, _mm512_srli_epi64(a, s), x, 0xe4);    \
    a = na;                                                                \
  }

INL void transpose_bits(V *v) {
  V x1 = _mm512_set1_epi8((char)0xAA), x2 = _mm512_set1_epi8((char)0xCC), x4 = _mm512_set1_epi8((char)0xF0);
  for (int i = 0; i < 4; i++) BITSWAP(v[i], v[i + 4], 4, x4)
  BITSWAP(v[0], v[2], 2, x2) BITSWAP(v[1], v[3], 2, x2) BITSWAP(v[4], v[6], 2, x2) BITSWAP(v[5], v[7], 2, x2)
  for (int i = 0; i < 8; i += 2) BITSWAP(v[i], v[i + 1], 1, x1)
}

// Stages of GF(2^8) within sixteen vectors, one for each bit of their number but the last, which is truncated.
#define UNROLL _Pragma("GCC unroll 32")
// One stage between vectors whose numbers differ in bit s; constants from c on.
#define FORWARD8(s, c)                                                                    \
  UNROLL for (int r = 0; r < 16; r++) if (!(r & s)) {                                     \
    v[r] = xor2(v[r], MUL(v[r + s], MATRIX(t + 8 * (c + half * (8 / s) + r / (2 * s))))); \
    if (s > 1) v[r + s] = xor2(v[r + s], v[r]);                                           \
  }
#define INVERSE8(s, c)                                                                    \
  UNROLL for (int r = 0; r < 16; r++) if (!(r & s)) {                                     \
    if (s > 1) v[r + s] = xor2(v[r + s], v[r]);                                           \
    v[r] = xor2(v[r], MUL(v[r + s], MATRIX(t + 8 * (c + half * (8 / s) + r / (2 * s))))); \
  }

// Stages of GF(2^8) within sixteen vectors, one for each bit of their number but the last, which is truncated. t: the constants of the
// four stages, 2, 4, 8 and 16 of them for both halves.
INL void stages16(V *v, int64_t t, int64_t half, int inverse) {
  if (!inverse) {
    FORWARD8(8, 0) FORWARD8(4, 2) FORWARD8(2, 6) FORWARD8(1, 14)
  } else {
    INVERSE8(1, 14) INVERSE8(2, 6) INVERSE8(4, 2) INVERSE8(8, 0)
  }
}

// Strips of 512 coefficients of 256 rows, bits m - 1 to m - 8. Matrices: β_3; to the basis of bytes, the same after stage m - 4 of the
// upper half; both back; the constants of stages m - 5 to m - 8.
EXPORT void NAME(strips)(int64_t plan, int64_t coefficients, int64_t limit, int64_t values, int64_t from, int64_t to, int64_t strip) {
  const Plan *p = (const Plan *)plan;
  const int64_t row = (int64_t)1 << (p->m - 11), plane = (int64_t)1 << (p->m - 8), t = p->strips;
  V beta3 = MATRIX(t), in = MATRIX(t + 8), in4 = MATRIX(t + 16);
  for (int64_t s = from; s < to; s++) {
    const int64_t c = coefficients + 64 * s, end = coefficients + limit;
    for (int r = 0; r < 16; r++) {
      V x[8], y[8];
      for (int i = 0; i < 8; i++) {
        int64_t a = c + row * (r + (i & 1) * 128 + (i >> 1 & 1) * 64 + (i >> 2) * 16), b = a + 32 * row;
        x[i] = a < end ? ld(a) : _mm512_setzero_si512();
        y[i] = b < end ? ld(b) : _mm512_setzero_si512();
      }
      transpose_bits(x);
      transpose_bits(y);
      for (int j = 0; j < 8; j++) {
        V l = xor2(x[j], MUL(y[j], beta3));
        st(strip + 64 * (32 * j + r), MUL(l, in));
        st(strip + 64 * (32 * j + 16 + r), MUL(xor2(y[j], l), in4));
      }
    }
    for (int j = 0; j < 8; j++)
      for (int h = 0; h < 2; h++) {
        V v[16];
        UNROLL for (int r = 0; r < 16; r++) v[r] = ld(strip + 64 * (32 * j + 16 * h + r));
        stages16(v, t + 64, h, 0);
        UNROLL for (int r = 0; r < 16; r++) st(strip + 64 * (32 * j + 16 * h + r), v[r]);
      }
    // By rows, which lie at distances that share one set of the first-level cache.
    for (int r = 0; r < 32; r++)
      UNROLL for (int j = 0; j < 8; j++) st(values + r * plane + 512 * s + 64 * j, ld(strip + 64 * (32 * j + r)));
  }
}

// From 2^22 bits on all rows share one set of the first-level cache: lines written one by one would throw each other out. So strips go
// to memory by eights, by way of a buffer behind the strip's own.
EXPORT void NAME(strips_back)(int64_t plan, int64_t values, int64_t coefficients, int64_t from, int64_t to, int64_t strip) {
  const Plan *p = (const Plan *)plan;
  const int64_t row = (int64_t)1 << (p->m - 11), plane = (int64_t)1 << (p->m - 8), t = p->strips;
  const int direct = p->m < 22;
  const int64_t buffer = direct ? coefficients : strip + (1 << 14), pitch = direct ? row : 512;
  const V beta3 = MATRIX(t), out = MATRIX(t + 24), out4 = MATRIX(t + 32);
  for (int64_t s0 = from; s0 < to; s0 += 8) {
    const int64_t n = to - s0 < 8 ? to - s0 : 8;
    for (int64_t s = s0; s < s0 + n; s++) {
      for (int j = 0; j < 8; j++)
        for (int h = 0; h < 2; h++) {
          V v[16];
          UNROLL for (int r = 0; r < 16; r++) v[r] = ld(values + (16 * h + r) * plane + 512 * s + 64 * j);
          stages16(v, t + 64, h, 1);
          UNROLL for (int r = 0; r < 16; r++) st(strip + 64 * (32 * j + 16 * h + r), v[r]);
        }
      const int64_t c = buffer + 64 * (direct ? s : s - s0);
      for (int r = 0; r < 16; r++) {
        V x[8], y[8];
        for (int j = 0; j < 8; j++) {
          V l = MUL(ld(strip + 64 * (32 * j + r)), out), h = xor2(MUL(ld(strip + 64 * (32 * j + 16 + r)), out4), l);
          x[j] = xor2(l, MUL(h, beta3));
          y[j] = h;
        }
        transpose_bits(x);
        transpose_bits(y);
        for (int i = 0; i < 8; i++) {
          const int64_t a = c + pitch * (r + (i & 1) * 128 + (i >> 1 & 1) * 64 + (i >> 2) * 16);
          st(a, x[i]);
          st(a + 32 * pitch, y[i]);
        }
      }
    }
    for (int r = 0; r < 256 && !direct; r++)
      for (int64_t k = 0; k < n; k++) st(coefficients + r * row + 64 * (s0 + k), ld(buffer + 512 * r + 64 * k));
  }
}

// l += w h, GF(2^16); the matrices of w.
#define ADD16(l0, l1, h0, h1, m)                       \
  {                                                    \
    l0 = xor3(l0, MUL(h0, (m)[0]), MUL(h1, (m)[1]));   \
    l1 = xor3(l1, MUL(h0, (m)[2]), MUL(h1, (m)[3]));   \
  }

// Stages i and i - 1 on a block of four quarters; last: the second is truncated.
INL void quarters(int64_t base, int64_t quarter, int64_t plane, const int64_t *w, const int64_t *w1, const int64_t *step, int last, int inverse) {
  V a[4], b[4], c[4];
  for (int k = 0; k < 4; k++) {
    a[k] = _mm512_set1_epi64(w[k]);
    b[k] = _mm512_set1_epi64(w1[k]);
    c[k] = _mm512_set1_epi64(w1[k] ^ step[k]);
  }
  for (int64_t at = base; at < base + quarter; at += 64) {
    V v[4][2];
    for (int k = 0; k < 4; k++) {
      v[k][0] = ld(at + k * quarter);
      v[k][1] = ld(at + k * quarter + plane);
    }
#define TO_HIGH(l, h) v[h][0] = xor2(v[h][0], v[l][0]), v[h][1] = xor2(v[h][1], v[l][1]);
    if (!inverse) {
      ADD16(v[0][0], v[0][1], v[2][0], v[2][1], a) TO_HIGH(0, 2)
      ADD16(v[1][0], v[1][1], v[3][0], v[3][1], a) TO_HIGH(1, 3)
      ADD16(v[0][0], v[0][1], v[1][0], v[1][1], b)
      ADD16(v[2][0], v[2][1], v[3][0], v[3][1], c)
      if (!last) { TO_HIGH(0, 1) TO_HIGH(2, 3) }
    } else {
      if (!last) { TO_HIGH(0, 1) TO_HIGH(2, 3) }
      ADD16(v[0][0], v[0][1], v[1][0], v[1][1], b)
      ADD16(v[2][0], v[2][1], v[3][0], v[3][1], c)
      TO_HIGH(0, 2) ADD16(v[0][0], v[0][1], v[2][0], v[2][1], a)
      TO_HIGH(1, 3) ADD16(v[1][0], v[1][1], v[3][0], v[3][1], a)
    }
    for (int k = 0; k < 4; k++) {
      st(at + k * quarter, v[k][0]);
      st(at + k * quarter + plane, v[k][1]);
    }
  }
}

// One stage of GF(2^16).
INL void halves(int64_t base, int64_t half, int64_t plane, const int64_t *w, int inverse) {
  V a[4];
  for (int k = 0; k < 4; k++) a[k] = _mm512_set1_epi64(w[k]);
  for (int64_t at = base; at < base + half; at += 64) {
    V l0 = ld(at), l1 = ld(at + plane), h0 = ld(at + half), h1 = ld(at + half + plane);
    if (inverse) h0 = xor2(h0, l0), h1 = xor2(h1, l1);
    ADD16(l0, l1, h0, h1, a)
    if (!inverse) h0 = xor2(h0, l0), h1 = xor2(h1, l1);
    st(at, l0), st(at + plane, l1), st(at + half, h0), st(at + half + plane, h1);
  }
}

// One stage of GF(2^32): w = u + v β_16, matrices of u, β_15 v, u + v.
INL void wide_halves(int64_t base, int64_t half, int64_t p, int64_t q, const int64_t *w, int inverse) {
  V m[12];
  for (int k = 0; k < 12; k++) m[k] = _mm512_set1_epi64(w[k]);
  for (int64_t at = base; at < base + half; at += 64) {
    const int64_t g = at + half;
    V l0 = ld(at), l1 = ld(at + p), l2 = ld(at + q), l3 = ld(at + q + p);
    V h0 = ld(g), h1 = ld(g + p), h2 = ld(g + q), h3 = ld(g + q + p);
    if (inverse) h0 = xor2(h0, l0), h1 = xor2(h1, l1), h2 = xor2(h2, l2), h3 = xor2(h3, l3);
    V x0 = xor2(MUL(h0, m[0]), MUL(h1, m[1])), x1 = xor2(MUL(h0, m[2]), MUL(h1, m[3])), s0 = xor2(h0, h2), s1 = xor2(h1, h3);
    l0 = xor2(l0, x0), l1 = xor2(l1, x1), l2 = xor2(l2, x0), l3 = xor2(l3, x1);
    ADD16(l0, l1, h2, h3, m + 4)
    ADD16(l2, l3, s0, s1, m + 8)
    if (!inverse) h0 = xor2(h0, l0), h1 = xor2(h1, l1), h2 = xor2(h2, l2), h3 = xor2(h3, l3);
    st(at, l0), st(at + p, l1), st(at + q, l2), st(at + q + p, l3);
    st(g, h0), st(g + p, h1), st(g + q, h2), st(g + q + p, h3);
  }
}

// The last nine stages, on 512 elements of a plane: bits 3 to 8 of the index are lanes at first, bits 0 to 2 number the vectors. A
// stage's bit changes places with one of those, if it is in the lanes; the constants differ from lane to lane.
#ifndef EXCHANGE
#define EXCHANGE(a, b)                                   \
  {                                                      \
    V na = _mm512_permutex2var_epi8(a, to_low, b);       \
    b = _mm512_permutex2var_epi8(a, to_high, b);         \
    a = na;                                              \
  }
#endif

// l += w h; w0, β_7 w1, w1, w0 + w1.
#ifndef LANES16
#define LANES16(l0, l1, h0, h1, w)                       \
  {                                                      \
    l0 = xor3(l0, PROD(h0, (w)[0]), PROD(h1, (w)[1]));   \
    l1 = xor3(l1, PROD(h0, (w)[2]), PROD(h1, (w)[3]));   \
  }
#endif

enum { BATCH = 4 };

INL void op16(const Op *op, const int64_t *bases, int n, int64_t p, const char *states, int truncated, int inverse) {
  const int exchange = op->exchange != 0;
  V to_low, to_high;
  if (exchange) to_low = ld(op->exchange), to_high = ld(op->exchange + 64);
  for (int g = 0; g < n; g++)
  for (int a = 0; a < 2; a++) {
    const int64_t base = bases[g];
    const char *state = states + STATE * g;
    V w[4];
    for (int k = 0; k < 4; k++) w[k] = xor2(BYTE(state + k), ld(op->lanes + a * op->vary + 64 * k));
    for (int b = 0; b < 2; b++) {
      if (b && op->vary2)
        for (int k = 0; k < 4; k++) w[k] = xor2(BYTE(state + k), ld(op->lanes + a * op->vary + op->vary2 + 64 * k));
      const int64_t l = base + a * op->other + b * op->other2, h = l + op->slot;
      V l0 = ld(l), l1 = ld(l + p), h0 = ld(h), h1 = ld(h + p);
      if (!inverse && exchange) { EXCHANGE(l0, h0) EXCHANGE(l1, h1) }
      if (inverse && !truncated) h0 = xor2(h0, l0), h1 = xor2(h1, l1);
      LANES16(l0, l1, h0, h1, w)
      if (!inverse && !truncated) h0 = xor2(h0, l0), h1 = xor2(h1, l1);
      if (inverse && exchange) { EXCHANGE(l0, h0) EXCHANGE(l1, h1) }
      st(l, l0), st(l + p, l1), st(h, h0), st(h + p, h1);
    }
  }
}

INL void op32(const Op *op, const int64_t *bases, int n, int64_t p, const char *states, int inverse) {
  const int64_t q = op->high;
  const int exchange = op->exchange != 0;
  V to_low, to_high;
  if (exchange) to_low = ld(op->exchange), to_high = ld(op->exchange + 64);
  for (int g = 0; g < n; g++) {
  const int64_t base = bases[g];
  const char *state = states + STATE * g;
  V w[12];
  for (int k = 0; k < 12; k++) w[k] = xor2(BYTE(state + k), ld(op->lanes + 64 * k));
  for (int a = 0; a < 2; a++)
    for (int b = 0; b < (op->other2 ? 2 : 1); b++) {
      if ((a | b) && (op->vary | op->vary2))
        for (int k = 0; k < 12; k++) w[k] = xor2(BYTE(state + k), ld(op->lanes + a * op->vary + b * op->vary2 + 64 * k));
      const int64_t l = base + a * op->other + b * op->other2, h = l + op->slot;
      V l0 = ld(l), l1 = ld(l + p), l2 = ld(l + q), l3 = ld(l + q + p);
      V h0 = ld(h), h1 = ld(h + p), h2 = ld(h + q), h3 = ld(h + q + p);
      if (!inverse && exchange) { EXCHANGE(l0, h0) EXCHANGE(l1, h1) EXCHANGE(l2, h2) EXCHANGE(l3, h3) }
      if (inverse) h0 = xor2(h0, l0), h1 = xor2(h1, l1), h2 = xor2(h2, l2), h3 = xor2(h3, l3);
      V x0 = xor2(PROD(h0, w[0]), PROD(h1, w[1])), x1 = xor2(PROD(h0, w[2]), PROD(h1, w[3])), s0 = xor2(h0, h2), s1 = xor2(h1, h3);
      l0 = xor2(l0, x0), l1 = xor2(l1, x1), l2 = xor2(l2, x0), l3 = xor2(l3, x1);
      LANES16(l0, l1, h2, h3, w + 4)
      LANES16(l2, l3, s0, s1, w + 8)
      if (!inverse) h0 = xor2(h0, l0), h1 = xor2(h1, l1), h2 = xor2(h2, l2), h3 = xor2(h3, l3);
      if (inverse && exchange) { EXCHANGE(l0, h0) EXCHANGE(l1, h1) EXCHANGE(l2, h2) EXCHANGE(l3, h3) }
      st(l, l0), st(l + p, l1), st(l + q, l2), st(l + q + p, l3);
      st(h, h0), st(h + p, h1), st(h + q, h2), st(h + q + p, h3);
    }
  }
}

static void op_forward(const Op *op, const int64_t *bases, int n, int64_t p, const char *states) {
  if (op->wide == 0) op16(op, bases, n, p, states, 0, 0);
  else if (op->wide == 1) op16(op, bases, n, p, states, 1, 0);
  else op32(op, bases, n, p, states, 0);
}

static void op_inverse(const Op *op, const int64_t *bases, int n, int64_t p, const char *states) {
  if (op->wide == 0) op16(op, bases, n, p, states, 0, 1);
  else if (op->wide == 1) op16(op, bases, n, p, states, 1, 1);
  else op32(op, bases, n, p, states, 1);
}

// β_7 for products of GF(2^16); the matrices of β_15.
INL void product16(V x0, V x1, V y0, V y1, V beta7, V *r0, V *r1) {
  V low = PROD(x0, y0), high = PROD(x1, y1), sum = PROD(xor2(x0, x1), xor2(y0, y1));
  *r0 = xor2(low, MUL(high, beta7));
  *r1 = xor2(low, sum);
}

INL void pointwise(const Plan *plan, int64_t x, int64_t y, int64_t p, int64_t q) {
  const int64_t t = plan->pointwise;
  V beta7 = MATRIX(t), m[4];
  for (int k = 0; k < 4; k++) m[k] = MATRIX(t + 8 + 8 * k);
  for (int64_t at = 0; at < 512; at += 64) {
    if (at & q) continue;
    const int64_t a = x + at, b = y + at;
    V a0 = ld(a), a1 = ld(a + p), a2 = ld(a + q), a3 = ld(a + q + p), b0 = ld(b), b1 = ld(b + p), b2 = ld(b + q), b3 = ld(b + q + p);
    V l0, l1, h0, h1, s0, s1;
    product16(a0, a1, b0, b1, beta7, &l0, &l1);
    product16(a2, a3, b2, b3, beta7, &h0, &h1);
    product16(xor2(a0, a2), xor2(a1, a3), xor2(b0, b2), xor2(b1, b3), beta7, &s0, &s1);
    st(a + q, xor2(s0, l0)), st(a + q + p, xor2(s1, l1));
    ADD16(l0, l1, h0, h1, m)
    st(a, l0), st(a + p, l1);
  }
}

// Rows of a table of steps: w(0), then w(b + 1) - w(b) for b with 0, 1, 2 … trailing ones.
INL void step(int64_t *w, int64_t table, int64_t bytes, uint64_t b) {
  const int64_t row = table + bytes * (1 + (int64_t)__builtin_ctzll(b + 1));
  for (int64_t k = 0; k < bytes; k += 64) st((int64_t)w + k, xor2(ld((int64_t)w + k), ld(row + k)));
}

INL void start(int64_t *w, int64_t table, int64_t bytes, uint64_t b) {
  memcpy(w, (const void *)table, (size_t)bytes);
  for (; b; b &= b - 1) {
    const int64_t row = table + bytes * (1 + (int64_t)__builtin_ctzll(b));
    for (int64_t k = 0; k < bytes; k += 8) {
      w[k / 8] ^= *(const int64_t *)(row + k);
      if (b & 1) continue;
      w[k / 8] ^= *(const int64_t *)(row - bytes + k);
    }
  }
}

// The last stages of up to BATCH groups of 512 elements, in the order of their numbers; step by step for all, since a step waits for the
// one before.
static void finish(Run *r, const int64_t *bases, int n) {
  const Op *ops = (const Op *)r->plan->ops;
  char *states = (char *)r->state;
  for (int g = 0; g < n; g++) {
    const int64_t now = (int64_t)states + STATE * g, row = r->plan->groups + STATE * (1 + (int64_t)__builtin_ctzll((uint64_t)r->group + 1));
    for (int k = 0; k < STATE; k += 64) st(now + STATE + k, xor2(ld(now + k), ld(row + k)));
    r->group++;
  }
  for (int k = 0; k < FIRST; k++) op_forward(ops + k, bases, n, r->plane, states + 16 * k);
  if (r->inverse) {
    for (int g = 0; g < n; g++) pointwise(r->plan, bases[g], r->factor + (bases[g] - r->values), r->plane, r->high);
    for (int k = FIRST - 1; k >= 0; k--) op_inverse(ops + k, bases, n, r->plane, states + 16 * k);
  }
  memcpy(states, states + STATE * n, STATE);
}

static void descend(Run *r, int i, int64_t base);

static void children(Run *r, int i, int64_t base, int64_t stride, int n) {
  if (i >= FIRST) {
    for (int k = 0; k < n; k++) descend(r, i, base + k * stride);
  } else {
    int64_t bases[BATCH];
    for (int k = 0; k < n; k++) bases[k] = base + k * stride;
    finish(r, bases, n);
  }
}

// The stages from i down, on a block of 2^(i+1) bytes in each plane.
static void descend(Run *r, int i, int64_t base) {
  int64_t *w = r->matrices[i], *w1 = r->matrices[i - 1];
  const int64_t *stages = r->plan->stages;
  if (i - 1 >= FIRST && i - 1 >= r->truncated) {
    const int64_t quarter = (int64_t)1 << (i - 1), *one = (const int64_t *)(stages[i - 1] + ROW);
    const int last = i - 1 == r->truncated;
    if (last) {
      quarters(base, quarter, r->plane, w, w1, one, 1, 0);
      children(r, i - 2, base, 2 * quarter, 2);
      if (r->inverse) quarters(base, quarter, r->plane, w, w1, one, 1, 1);
    } else {
      quarters(base, quarter, r->plane, w, w1, one, 0, 0);
      children(r, i - 2, base, quarter, 4);
      if (r->inverse) quarters(base, quarter, r->plane, w, w1, one, 0, 1);
    }
    step(w1, stages[i - 1], ROW, r->block[i - 1]++);
    step(w1, stages[i - 1], ROW, r->block[i - 1]++);
  } else {
    const int64_t half = (int64_t)1 << i;
    if (i > r->truncated) halves(base, half, r->plane, w, 0);
    else wide_halves(base, half, r->plane, r->high, w, 0);
    children(r, i - 1, base, half, 2);
    if (r->inverse) {
      if (i > r->truncated) halves(base, half, r->plane, w, 1);
      else wide_halves(base, half, r->plane, r->high, w, 1);
    }
  }
  step(w, stages[i], ROW, r->block[i]++);
}

// All stages below the strips on units [from, to) of 16; with a factor's values also the products, and the same stages back.
EXPORT void NAME(units)(int64_t plan, int64_t values, int64_t factor, int64_t from, int64_t to) {
  Run r;
  r.plan = (const Plan *)plan;
  r.m = (int)r.plan->m;
  r.truncated = r.m - 16;
  r.plane = (int64_t)1 << (r.m - 8);
  const Op *last = (const Op *)r.plan->ops + FIRST - 1;
  r.high = last->high;
  r.values = values;
  r.factor = factor;
  r.inverse = factor != 0;
  for (int64_t u = from, n = 1; u < to; u += n) {
    r.group = u << r.plan->unit_group_bits;
    start(r.state, r.plan->groups, STATE, (uint64_t)r.group);
    int bits = 0;
    for (int i = r.m - 9; i >= FIRST; i--) {
      r.block[i] = (uint64_t)u << bits;
      start(r.matrices[i], r.plan->stages[i], ROW, r.block[i]);
      if (i != r.truncated) bits++;
    }
    if (r.m - 9 < FIRST) {
      int64_t bases[BATCH];
      n = to - u < BATCH ? to - u : BATCH;
      for (int64_t k = 0; k < n; k++) bases[k] = values + spread(u + k, r.plan->unit_mask);
      finish(&r, bases, (int)n);
    } else {
      descend(&r, r.m - 9, values + spread(u, r.plan->unit_mask));
    }
  }
}

// Basis conversion of blocks of 2^16 bits: see BasisConversion, InnerConversion, RowConversion.

#define SR(v, n) _mm512_srli_epi64(v, n)
#define SL(v, n) _mm512_slli_epi64(v, n)
// Shifts of bytes as matrices.
#define SHIFT_UP_2 0x0000010204081020ll
#define SHIFT_UP_4 0x0000000001020408ll
#define SHIFT_DOWN_4 0x1020408000000000ll
#define SHIFT_DOWN_6 0x4080000000000000ll
static const uint8_t TO_COLUMNS[64] __attribute__((aligned(64))) =
    {0, 1, 2, 3, 32, 33, 34, 35, 4, 5, 6, 7, 36, 37, 38, 39, 8, 9, 10, 11, 40, 41, 42, 43, 12, 13, 14, 15, 44, 45, 46, 47, 16, 17,
    18, 19, 48, 49, 50, 51, 20, 21, 22, 23, 52, 53, 54, 55, 24, 25, 26, 27, 56, 57, 58, 59, 28, 29, 30, 31, 60, 61, 62, 63};
static const uint8_t TO_ROLES[64] __attribute__((aligned(64))) =
    {0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29, 2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31, 32, 36,
    40, 44, 48, 52, 56, 60, 33, 37, 41, 45, 49, 53, 57, 61, 34, 38, 42, 46, 50, 54, 58, 62, 35, 39, 43, 47, 51, 55, 59, 63};
static const uint8_t FROM_ROLES[64] __attribute__((aligned(64))) =
    {0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31, 32, 40,
    48, 56, 33, 41, 49, 57, 34, 42, 50, 58, 35, 43, 51, 59, 36, 44, 52, 60, 37, 45, 53, 61, 38, 46, 54, 62, 39, 47, 55, 63};
static const uint8_t FROM_COLUMNS[64] __attribute__((aligned(64))) =
    {0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27, 32, 33, 34, 35, 40, 41, 42, 43, 48, 49, 50, 51, 56, 57, 58, 59, 4,
    5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31, 36, 37, 38, 39, 44, 45, 46, 47, 52, 53, 54, 55, 60, 61, 62, 63};
static const uint64_t LOW_FORWARD[4][4] = {
    {0x01fe6c4890e0c080ull, 0xd19eacc890e0c080ull, 0x01fe6c4890e0c080ull, 0xd19eacc890e0c080ull},
    {0x00ff6d497a534e74ull, 0x0000000000000000ull, 0x0000000000000000ull, 0x0000000000000000ull},
    {0x00ffb624c8706040ull, 0x684f566448706040ull, 0x0000000000000000ull, 0x0000000000000000ull},
    {0x00ffdb92f5a69ce8ull, 0x8000000000000000ull, 0x80ffdb92f5a69ce8ull, 0x0000000000000000ull},
};
static const uint64_t LOW_INVERSE[4][4] = {
    {0x01166cc89060c080ull, 0xd1f6ac489060c080ull, 0x01166cc89060c080ull, 0xd1f6ac489060c080ull},
    {0x000001177aa54e9cull, 0x0000000000000000ull, 0x0000000000000000ull, 0x0000000000000000ull},
    {0x0001166cc89060c0ull, 0x68d1f6ac489060c0ull, 0x0000000000000000ull, 0x0000000000000000ull},
    {0x0001177aa54e9c68ull, 0x8000000000000000ull, 0x8001177aa54e9c68ull, 0x0000000000000000ull},
};

// Index bits 0 to 7 of sixteen rows of 256 bits, eight vectors: turned so that bits 5, 6, 7 number the vectors and bits 3, 4 of the
// index, a byte's role, are bits 0, 1 of the quadword's number in a vector. A level is then an XOR of vectors, shifted by one role,
// by some bits, or within the roles.

#define ROLE1(v) _mm512_permutex_epi64(v, 0x93)
#define SWAP_UNITS(v) _mm512_permutex_epi64(v, 0x4e)
#define XOR_IF(v, mask, w) _mm512_mask_xor_epi64(v, mask, v, w)
#define MIX(mask, a, b) _mm512_mask_blend_epi64(mask, a, b)

INL void transpose_words(V *v) {
  const V lo = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), hi = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
  V t[8], u[8];
  UNROLL for (int k = 0; k < 8; k += 2) t[k] = _mm512_unpacklo_epi64(v[k], v[k + 1]), t[k + 1] = _mm512_unpackhi_epi64(v[k], v[k + 1]);
  UNROLL for (int k = 0; k < 8; k++)
    u[k] = k & 2 ? _mm512_permutex2var_epi64(t[k - 2], hi, t[k]) : _mm512_permutex2var_epi64(t[k], lo, t[(k + 2) & 7]);
  UNROLL for (int k = 0; k < 4; k++) v[k] = _mm512_shuffle_i64x2(u[k], u[k + 4], 0x44), v[k + 4] = _mm512_shuffle_i64x2(u[k], u[k + 4], 0xee);
}

// l ^= h << s, of rows of two vectors or one, and what leaves h at the top to its bottom.
INL void shift_pair(V *l0, V *l1, V *h0, V *h1, V left, V right, int inverse) {
  V t1 = MUL(ROLE1(*h1), right), w = XOR_IF(*h0, 0x11, t1), g = inverse ? *h0 : w, t0 = MUL(ROLE1(g), right);
  *l0 = XOR_IF(xor2(*l0, MUL(g, left)), 0xee, t0);
  *l1 = xor3(*l1, MUL(*h1, left), MIX(0x11, t1, t0));
  *h0 = w;
}

INL void shift_one(V *l, V *h, V left, V right, int inverse) {
  V t = MUL(ROLE1(*h), right), w = XOR_IF(*h, 0x11, t);
  *l = XOR_IF(xor2(*l, MUL(inverse ? *h : w, left)), 0xee, t);
  *h = w;
}

INL V roles(V v, const V *m) {
  V a = xor2(MUL_EACH(v, m[0]), MUL_EACH(ROLE1(v), m[1]));
  return xor3(a, MUL_EACH(SWAP_UNITS(v), m[2]), MUL_EACH(_mm512_permutex_epi64(v, 0x39), m[3]));
}

INL void units_pair(V *l0, V *l1, V *h0, V *h1, int inverse) {
  V s1 = SWAP_UNITS(*h1), w = XOR_IF(*h0, 0x33, s1), s0 = SWAP_UNITS(inverse ? *h0 : w);
  *l0 = XOR_IF(*l0, 0xcc, s0);
  *l1 = xor2(*l1, MIX(0xcc, s0, s1));
  *h0 = w;
}

INL void units_one(V *l, V *h, int inverse) {
  V w = XOR_IF(*h, 0x33, SWAP_UNITS(*h));
  *l = XOR_IF(*l, 0xcc, SWAP_UNITS(inverse ? *h : w));
  *h = w;
}

#define STEP(t, f) v[t] = xor2(v[t], v[f]);

INL void bytes_up(V *v, int inverse) {
  V r7 = ROLE1(v[7]), w = XOR_IF(v[4], 0x11, r7), r4 = ROLE1(inverse ? v[4] : w), r5 = ROLE1(v[5]), r6 = ROLE1(v[6]);
  v[0] = XOR_IF(v[0], 0xee, r4);
  v[1] = xor2(v[1], MIX(0x11, r5, r4));
  v[2] = xor2(v[2], MIX(0x11, r6, r5));
  v[3] = xor2(v[3], MIX(0x11, r7, r6));
  v[4] = w;
}

#define DOWN(v, n, lanes) _mm512_maskz_permutexvar_epi64(lanes, _mm512_setr_epi64(n, n + 1, (n + 2) & 7, (n + 3) & 7, (n + 4) & 7, (n + 5) & 7, (n + 6) & 7, (n + 7) & 7), v)

// Level (8, 0), in the order of memory.
INL V level8(V v, int inverse) {
  V s = SR(v, 63), wrap = DOWN(s, 3, 0x10), carry = DOWN(s, 3, 0x0e);
  if (!inverse) v = xor2(v, wrap);
  v = xor3(v, SL(DOWN(v, 4, 0x0f), 1), carry);
  return inverse ? xor2(v, wrap) : v;
}

static inline void low_bits(int64_t a, int inverse) {
  const V left4 = _mm512_set1_epi64(SHIFT_UP_4), right4 = _mm512_set1_epi64(SHIFT_DOWN_4);
  const V left2 = _mm512_set1_epi64(SHIFT_UP_2), right6 = _mm512_set1_epi64(SHIFT_DOWN_6);
  const V columns = ld((int64_t)TO_COLUMNS), to_roles = ld((int64_t)TO_ROLES), from_roles = ld((int64_t)FROM_ROLES),
          from_columns = ld((int64_t)FROM_COLUMNS);
  V m[4];
  for (int d = 0; d < 4; d++) m[d] = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(inverse ? LOW_INVERSE : LOW_FORWARD)[d]));
  for (int k = 0; k < 8192; k += 512) {
    V v[8];
    UNROLL for (int i = 0; i < 8; i++) v[i] = look(columns, inverse ? ld(a + k + 64 * i) : level8(ld(a + k + 64 * i), 0));
    transpose_words(v);
    UNROLL for (int i = 0; i < 8; i++) v[i] = look(to_roles, v[i]);
    if (!inverse) {
      bytes_up(v, 0);
      shift_pair(v, v + 1, v + 2, v + 3, left4, right4, 0);
      shift_pair(v + 4, v + 5, v + 6, v + 7, left4, right4, 0);
      UNROLL for (int i = 0; i < 8; i += 2) shift_one(v + i, v + i + 1, left2, right6, 0);
      UNROLL for (int i = 0; i < 8; i++) v[i] = roles(v[i], m);
      STEP(4, 7) STEP(3, 6) STEP(2, 5) STEP(1, 4)
      units_pair(v, v + 1, v + 2, v + 3, 0);
      units_pair(v + 4, v + 5, v + 6, v + 7, 0);
      UNROLL for (int i = 0; i < 8; i += 2) units_one(v + i, v + i + 1, 0);
      STEP(4, 6) STEP(5, 7) STEP(2, 4) STEP(3, 5)
    } else {
      STEP(2, 4) STEP(3, 5) STEP(4, 6) STEP(5, 7)
      UNROLL for (int i = 0; i < 8; i += 2) units_one(v + i, v + i + 1, 1);
      units_pair(v, v + 1, v + 2, v + 3, 1);
      units_pair(v + 4, v + 5, v + 6, v + 7, 1);
      STEP(1, 4) STEP(2, 5) STEP(3, 6) STEP(4, 7)
      UNROLL for (int i = 0; i < 8; i++) v[i] = roles(v[i], m);
      UNROLL for (int i = 0; i < 8; i += 2) shift_one(v + i, v + i + 1, left2, right6, 1);
      shift_pair(v, v + 1, v + 2, v + 3, left4, right4, 1);
      shift_pair(v + 4, v + 5, v + 6, v + 7, left4, right4, 1);
      bytes_up(v, 1);
    }
    UNROLL for (int i = 0; i < 8; i++) v[i] = look(from_roles, v[i]);
    transpose_words(v);
    UNROLL for (int i = 0; i < 8; i++) v[i] = look(from_columns, v[i]);
    UNROLL for (int i = 0; i < 8; i++) st(a + k + 64 * i, inverse ? level8(v[i], 1) : v[i]);
  }
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
      low_bits(a, 0);
      for (int p = 15; p >= 13; p--) level_rows(a, 1 << (p - 3), 1 << (p - 7), 0);
      level_bytes(a, 512, 32, 0);
      rows8(a, 0);
      NAME(rows16)(a, 512, 8, 0);
    } else {
      NAME(rows16)(a, 512, 8, 1);
      rows8(a, 1);
      level_bytes(a, 512, 32, 1);
      for (int p = 13; p <= 15; p++) level_rows(a, 1 << (p - 3), 1 << (p - 7), 1);
      low_bits(a, 1);
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

// A part of a pass. Parts are contiguous, so that most passes find in the core's caches what the last left there.
typedef struct {
  int64_t address, bits;
  int inverse, wanted, next;
  int64_t part, parts;
} Conversion;

// Whether this pass is to be done now: all are if none is wanted.
static int turn(Conversion *c) {
  const int now = c->next++;
  return now == c->wanted || c->wanted < 0;
}

static int64_t share(const Conversion *c, int64_t n, int64_t part) { return n * part / c->parts; }

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// Level (p, q), p >= 16: the halves of its blocks in pieces. have: as much of an upper half as there is.
static void level(Conversion *c, int p, int q) {
  if (!turn(c)) return;
  const int64_t half = (int64_t)1 << (p - 3), bytes = c->bits / 8, shift = ((int64_t)1 << q) / 8, piece = 8192, pieces = half / piece;
  const int64_t n = (bytes + 2 * half - 1) / (2 * half) * pieces;
  const int inverse = c->inverse;
  // Lines that another part will change next are better taken from it than shared.
  const int take = c->parts > 1 && 2 * half >= bytes;
  for (int64_t u = share(c, n, c->part), end = share(c, n, c->part + 1); u < end; u++) {
    const int64_t at = u / pieces * 2 * half, x = u % pieces * piece, have = least(half, bytes - at - half);
    const int64_t lo = c->address + at, hi = lo + half;
    if (q >= 9) {
      // Whole vectors: the top of the upper half to its bottom, and the upper half to the lower.
      const int64_t wrap = least(have - (half - shift) - x, piece), up = least(least(have, half - shift) - x, piece);
      if (!inverse && wrap > 0) NAME(xor)(hi + x, hi + half - shift + x, wrap);
      if (up > 0 && take) xor_taking(lo + shift + x, hi + x, up, hi + x);
      else if (up > 0) NAME(xor)(lo + shift + x, hi + x, up);
      if (inverse && wrap > 0) NAME(xor)(hi + x, hi + half - shift + x, wrap);
      continue;
    }
    int64_t m = least(least(half, have + 64) - x, piece), at0 = x;
    if (have <= 0 || m <= 0) continue;
    uint64_t *first = (uint64_t *)hi, *low = (uint64_t *)lo;
    const uint64_t *last = (const uint64_t *)(hi + half);
    const int words = q < 6 ? 1 : 1 << (q - 6), s = 1 << q, wrap = x == 0 && have == half;
    for (int k = 0; wrap && !inverse && k < words; k++) first[k] ^= q < 6 ? last[-1] >> (64 - s) : last[k - words];
    // Nothing comes in below the upper half, where another part writes.
    if (x == 0) {
      for (int k = q < 6 ? 0 : words; k < 8; k++) low[k] ^= q >= 6 ? first[k - words] : first[k] << s | (k ? first[k - 1] >> (64 - s) : 0);
      at0 += 64;
      m -= 64;
    }
    if (q < 6) NAME(shift)(lo + at0, hi + at0, m, s);
    else if (take) xor_taking(lo + at0, hi + at0 - 8 * words, m, hi + at0);
    else NAME(xor)(lo + at0, hi + at0 - 8 * words, m);
    for (int k = 0; wrap && inverse && k < words; k++) first[k] ^= q < 6 ? last[-1] >> (64 - s) : last[k - words];
  }
}

// The conversion on index bits [low, low + k), all above the vector.
static void rows(Conversion *c, int low, int k) {
  if (k <= 1) return;
  if (k == 4 && (c->bits & (((int64_t)1 << (low + 4)) - 1)) == 0) {
    if (!turn(c)) return;
    const int64_t stride = (int64_t)1 << (low - 3), columns = stride / 512, n = c->bits / 8 / (16 * stride) * columns;
    for (int64_t u = share(c, n, c->part), end = share(c, n, c->part + 1); u < end; u++)
      NAME(rows16)(c->address + u / columns * 16 * stride + u % columns * 512, stride, 8, c->inverse);
    return;
  }
  int t = 1;
  while (2 * t < k) t *= 2;
  if (c->inverse) {
    rows(c, low + t, k - t);
    rows(c, low, t);
    for (int j = 0; j < k - t; j++) level(c, low + t + j, low + j);
  } else {
    for (int j = k - t - 1; j >= 0; j--) level(c, low + t + j, low + j);
    rows(c, low, t);
    rows(c, low + t, k - t);
  }
}

static void all_blocks(Conversion *c) {
  if (!turn(c)) return;
  const int64_t n = c->bits >> 16, from = share(c, n, c->part);
  NAME(blocks)(c->address + 8192 * from, share(c, n, c->part + 1) - from, c->inverse);
}

// Between monomials and the basis of the transform, a multiple of 2^16 bits: the pass wanted, or all of them if that is negative.
// Returns the number of passes; each begins when all parts of the one before are done.
EXPORT int32_t NAME(convert)(int64_t address, int64_t bits, int32_t inverse, int32_t wanted, int64_t part, int64_t parts) {
  const int k = 64 - __builtin_clzll((uint64_t)bits - 1);
  Conversion c = {address, bits, inverse, wanted, 0, part, parts};
  if (!inverse) {
    for (int j = k - 17; j >= 0; j--) level(&c, 16 + j, j);
    all_blocks(&c);
    rows(&c, 16, k - 16);
  } else {
    rows(&c, 16, k - 16);
    all_blocks(&c);
    for (int j = 0; j < k - 16; j++) level(&c, 16 + j, j);
  }
  return c.next;
}

// Short products: Karatsuba's method on vectors of eight words, down to one by one, there each word by each.

typedef __m128i W2;

static inline W2 ld2(const int64_t *a) { return _mm_loadu_si128((const W2 *)a); }
static inline void st2(int64_t *a, W2 v) { _mm_storeu_si128((W2 *)a, v); }

// r[0, 16) = a[0, 8) b[0, 8): pairs of words; even: sums that begin at an even word, odd: at an odd one.
INL void leaf(const int64_t *a, const int64_t *b, int64_t *r) {
  W2 even[8], odd[7], y[4];
  for (int k = 0; k < 8; k++) even[k] = _mm_setzero_si128();
  for (int k = 0; k < 7; k++) odd[k] = _mm_setzero_si128();
  for (int j = 0; j < 4; j++) y[j] = ld2(b + 2 * j);
  UNROLL for (int i = 0; i < 4; i++) {
    const W2 x = ld2(a + 2 * i);
    UNROLL for (int j = 0; j < 4; j++) {
      even[i + j] = _mm_xor_si128(even[i + j], _mm_clmulepi64_si128(x, y[j], 0x00));
      even[i + j + 1] = _mm_xor_si128(even[i + j + 1], _mm_clmulepi64_si128(x, y[j], 0x11));
      odd[i + j] = _mm_xor_si128(odd[i + j], _mm_xor_si128(_mm_clmulepi64_si128(x, y[j], 0x01), _mm_clmulepi64_si128(x, y[j], 0x10)));
    }
  }
  UNROLL for (int k = 0; k < 8; k++) {
    W2 v = even[k];
    if (k < 7) v = _mm_xor_si128(v, _mm_slli_si128(odd[k], 8));
    if (k > 0) v = _mm_xor_si128(v, _mm_srli_si128(odd[k - 1], 8));
    st2(r + 2 * k, v);
  }
}

// In words, multiples of 8.
static void add_words(int64_t *to, const int64_t *from, int64_t n) { NAME(xor)((int64_t)to, (int64_t)from, 8 * n); }

static void sum_words(int64_t *to, const int64_t *x, int64_t n, const int64_t *y, int64_t m) {
  memcpy(to, x, 8 * (size_t)n);
  add_words(to, y, m);
}

// r[0, 2n) = a[0, n) b[0, n).
static void karatsuba(const int64_t *a, const int64_t *b, int64_t n, int64_t *r, int64_t *t) {
  if (n == 8) {
    leaf(a, b, r);
    return;
  }
  const int64_t h = (n / 8 + 1) / 2 * 8, g = n - h;
  int64_t *sum_b = t + h, *middle = t + 2 * h, *next = t + 4 * h;
  sum_words(t, a, h, a + h, g);
  sum_words(sum_b, b, h, b + h, g);
  karatsuba(t, sum_b, h, middle, next);
  karatsuba(a, b, h, r, next);
  karatsuba(a + h, b + h, g, r + 2 * h, next);
  add_words(middle, r, 2 * h);
  add_words(middle, r + 2 * h, 2 * g);
  // The middle term has at most 2n - h words that are not zero.
  add_words(r + h, middle, least(2 * h, 2 * n - h));
}

// r = a b, lengths in words, zeros behind them to the next multiple of 8; the longer factor in pieces as long as the shorter.
EXPORT void NAME(direct)(int64_t a, int64_t a_words, int64_t b, int64_t b_words, int64_t r, int64_t scratch) {
  const int64_t n = (b_words + 7) & -8, m = (a_words + 7) & -8;
  const int64_t *x = (const int64_t *)a, *y = (const int64_t *)b;
  int64_t *to = (int64_t *)r, *piece = (int64_t *)scratch, *part = piece + n, *rest = part + 2 * n;
  if (m == n) {
    karatsuba(x, y, n, to, piece);
    return;
  }
  memset(to, 0, 8 * (size_t)(m + n));
  for (int64_t at = 0; at < m; at += n) {
    const int64_t k = least(n, m - at);
    memcpy(piece, x + at, 8 * (size_t)k);
    memset(piece + k, 0, 8 * (size_t)(n - k));
    karatsuba(piece, y, n, part, rest);
    add_words(to + at, part, n + k);
  }
}
