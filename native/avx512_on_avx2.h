// The AVX-512 intrinsics that the kernels use, each as two operations of AVX2 (and GFNI, where the compiler's flags have it): a file
// of kernels is compiled again behind this header, for processors without AVX-512. Products by bit matrices become look-ups of
// nibbles without GFNI; they take one matrix for all lanes. Masks and permutations of words are meant to be constants.

#ifndef QDISTILL_AVX512_ON_AVX2_H
#define QDISTILL_AVX512_ON_AVX2_H

#include <immintrin.h>
#include <stdint.h>

typedef struct {
  __m256i lo, hi;
} qd_pair;

#define QD_INLINE static inline __attribute__((always_inline, unused))
#define QD_EACH(name, op) \
  QD_INLINE qd_pair qd_##name(qd_pair a, qd_pair b) { return (qd_pair){op(a.lo, b.lo), op(a.hi, b.hi)}; }
#define QD_SHIFT(name, op) \
  QD_INLINE qd_pair qd_##name(qd_pair a, int n) { return (qd_pair){op(a.lo, n), op(a.hi, n)}; }
#define QD_COUNT(name, op) \
  QD_INLINE qd_pair qd_##name(qd_pair a, __m128i n) { return (qd_pair){op(a.lo, n), op(a.hi, n)}; }

QD_EACH(xor, _mm256_xor_si256)
QD_EACH(and, _mm256_and_si256)
QD_EACH(or, _mm256_or_si256)
QD_EACH(andnot, _mm256_andnot_si256)
QD_EACH(add8, _mm256_add_epi8)
QD_EACH(unpacklo8, _mm256_unpacklo_epi8)
QD_EACH(unpackhi8, _mm256_unpackhi_epi8)
QD_EACH(unpacklo16, _mm256_unpacklo_epi16)
QD_EACH(unpackhi16, _mm256_unpackhi_epi16)
QD_EACH(unpacklo32, _mm256_unpacklo_epi32)
QD_EACH(unpackhi32, _mm256_unpackhi_epi32)
QD_EACH(unpacklo64, _mm256_unpacklo_epi64)
QD_EACH(unpackhi64, _mm256_unpackhi_epi64)
QD_EACH(shuffle8, _mm256_shuffle_epi8)
QD_SHIFT(srli64, _mm256_srli_epi64)
QD_SHIFT(slli64, _mm256_slli_epi64)
QD_SHIFT(srli32, _mm256_srli_epi32)
QD_SHIFT(slli32, _mm256_slli_epi32)
QD_SHIFT(srli16, _mm256_srli_epi16)
QD_SHIFT(slli16, _mm256_slli_epi16)
QD_COUNT(sll64, _mm256_sll_epi64)
QD_COUNT(srl64, _mm256_srl_epi64)

QD_INLINE qd_pair qd_load(const void *p) {
  return (qd_pair){_mm256_loadu_si256(p), _mm256_loadu_si256((const __m256i *)p + 1)};
}
QD_INLINE void qd_store(void *p, qd_pair v) {
  _mm256_storeu_si256(p, v.lo);
  _mm256_storeu_si256((__m256i *)p + 1, v.hi);
}
QD_INLINE qd_pair qd_all(__m256i x) { return (qd_pair){x, x}; }

// Any function of three bits; those in use take one or two instructions.
QD_INLINE __m256i qd_ternary256(__m256i a, __m256i b, __m256i c, int table) {
  if (table == 0x96) return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
  if (table == 0x78) return _mm256_xor_si256(a, _mm256_and_si256(b, c));
  if (table == 0xe4) return _mm256_xor_si256(b, _mm256_and_si256(_mm256_xor_si256(a, b), c));
  __m256i r = _mm256_setzero_si256(), one = _mm256_set1_epi8(-1);
  for (int k = 0; k < 8; k++) {
    if ((table >> k & 1) == 0) continue;
    __m256i x = k & 4 ? a : _mm256_xor_si256(a, one), y = k & 2 ? b : _mm256_xor_si256(b, one);
    r = _mm256_or_si256(r, _mm256_and_si256(_mm256_and_si256(x, y), k & 1 ? c : _mm256_xor_si256(c, one)));
  }
  return r;
}
QD_INLINE qd_pair qd_ternary(qd_pair a, qd_pair b, qd_pair c, int table) {
  return (qd_pair){qd_ternary256(a.lo, b.lo, c.lo, table), qd_ternary256(a.hi, b.hi, c.hi, table)};
}

// A byte of ones for each bit set.
QD_INLINE __m256i qd_bytes256(uint32_t mask) {
  __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
  __m256i x = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32((int)mask), spread), bit);
  return _mm256_cmpeq_epi8(x, bit);
}
QD_INLINE qd_pair qd_bytes(uint64_t mask) {
  return (qd_pair){qd_bytes256((uint32_t)mask), qd_bytes256((uint32_t)(mask >> 32))};
}
// A word of ones for each of eight bits.
QD_INLINE qd_pair qd_words(int m) {
#define QD_W(k) (-(long long)(m >> k & 1))
  return (qd_pair){_mm256_setr_epi64x(QD_W(0), QD_W(1), QD_W(2), QD_W(3)), _mm256_setr_epi64x(QD_W(4), QD_W(5), QD_W(6), QD_W(7))};
}
QD_INLINE qd_pair qd_choose(qd_pair mask, qd_pair a, qd_pair b) {
  return (qd_pair){_mm256_blendv_epi8(a.lo, b.lo, mask.lo), _mm256_blendv_epi8(a.hi, b.hi, mask.hi)};
}

// Words by number.
typedef long long qd_v4 __attribute__((vector_size(32)));
QD_INLINE __m256i qd_four(qd_pair a, qd_v4 index) {
  index &= (qd_v4)_mm256_set1_epi64x(7);
#ifdef __clang__
  qd_v4 r, source[2] = {(qd_v4)a.lo, (qd_v4)a.hi};
  for (int i = 0; i < 4; i++) r[i] = source[index[i] >> 2][index[i] & 3];
  return (__m256i)r;
#else
  return (__m256i)__builtin_shuffle((qd_v4)a.lo, (qd_v4)a.hi, index);
#endif
}
QD_INLINE qd_pair qd_permute64(qd_pair index, qd_pair a) {
  return (qd_pair){qd_four(a, (qd_v4)index.lo), qd_four(a, (qd_v4)index.hi)};
}
QD_INLINE qd_pair qd_permute64_of_two(qd_pair a, qd_pair index, qd_pair b) {
  qd_pair from_a = qd_permute64(index, a), from_b = qd_permute64(index, b);
  __m256i eight = _mm256_set1_epi64x(8);
  __m256i lo = _mm256_cmpeq_epi64(_mm256_and_si256(index.lo, eight), eight);
  __m256i hi = _mm256_cmpeq_epi64(_mm256_and_si256(index.hi, eight), eight);
  return (qd_pair){_mm256_blendv_epi8(from_a.lo, from_b.lo, lo), _mm256_blendv_epi8(from_a.hi, from_b.hi, hi)};
}
QD_INLINE qd_pair qd_set64(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h) {
  return (qd_pair){_mm256_setr_epi64x(a, b, c, d), _mm256_setr_epi64x(e, f, g, h)};
}
QD_INLINE __m128i qd_quarter(qd_pair a, int k) {
  __m256i half = k & 2 ? a.hi : a.lo;
  return k & 1 ? _mm256_extracti128_si256(half, 1) : _mm256_castsi256_si128(half);
}
QD_INLINE qd_pair qd_shuffle128(qd_pair a, qd_pair b, int select) {
  return (qd_pair){_mm256_set_m128i(qd_quarter(a, select >> 2 & 3), qd_quarter(a, select & 3)),
                   _mm256_set_m128i(qd_quarter(b, select >> 6 & 3), qd_quarter(b, select >> 4 & 3))};
}

// Bytes of a table of 64 by the low six bits.
QD_INLINE __m256i qd_look256(__m256i index, qd_pair table) {
  __m256i low = _mm256_and_si256(index, _mm256_set1_epi8(15));
  __m256i bit4 = _mm256_slli_epi16(index, 3), bit5 = _mm256_slli_epi16(index, 2);
  __m256i t0 = _mm256_permute4x64_epi64(table.lo, 0x44), t1 = _mm256_permute4x64_epi64(table.lo, 0xee);
  __m256i t2 = _mm256_permute4x64_epi64(table.hi, 0x44), t3 = _mm256_permute4x64_epi64(table.hi, 0xee);
  __m256i a = _mm256_blendv_epi8(_mm256_shuffle_epi8(t0, low), _mm256_shuffle_epi8(t1, low), bit4);
  __m256i b = _mm256_blendv_epi8(_mm256_shuffle_epi8(t2, low), _mm256_shuffle_epi8(t3, low), bit4);
  return _mm256_blendv_epi8(a, b, bit5);
}
QD_INLINE qd_pair qd_look(qd_pair index, qd_pair table) {
  return (qd_pair){qd_look256(index.lo, table), qd_look256(index.hi, table)};
}

// Of a table of 128 by the low seven bits.
QD_INLINE qd_pair qd_look_in_two(qd_pair a, qd_pair index, qd_pair b) {
  qd_pair from_a = qd_look(index, a), from_b = qd_look(index, b);
  return (qd_pair){_mm256_blendv_epi8(from_a.lo, from_b.lo, _mm256_slli_epi16(index.lo, 1)),
                   _mm256_blendv_epi8(from_a.hi, from_b.hi, _mm256_slli_epi16(index.hi, 1))};
}

// A bit of the lane's number and the number of a or b change places: as those look-ups do by the tables to_low and to_high.
QD_INLINE void qd_exchange(qd_pair *a, qd_pair *b, qd_pair to_low, qd_pair to_high) {
  const int from_b = _mm256_movemask_epi8(_mm256_slli_epi16(to_low.lo, 1));
  qd_pair x = *a, y = *b;
  if (from_b == 0) {
    a->hi = y.lo;
    b->lo = x.hi;
  } else if (from_b == (int)0xffff0000) {
    *a = (qd_pair){_mm256_permute2x128_si256(x.lo, y.lo, 0x20), _mm256_permute2x128_si256(x.hi, y.hi, 0x20)};
    *b = (qd_pair){_mm256_permute2x128_si256(x.lo, y.lo, 0x31), _mm256_permute2x128_si256(x.hi, y.hi, 0x31)};
  } else {
    // Within sixteen lanes; the same in all of those.
    const __m256i low = to_low.lo, high = to_high.lo, take = _mm256_slli_epi16(low, 1);
    *a = (qd_pair){_mm256_blendv_epi8(x.lo, _mm256_shuffle_epi8(y.lo, low), take),
                   _mm256_blendv_epi8(x.hi, _mm256_shuffle_epi8(y.hi, low), take)};
    *b = (qd_pair){_mm256_blendv_epi8(_mm256_shuffle_epi8(x.lo, high), y.lo, take),
                   _mm256_blendv_epi8(_mm256_shuffle_epi8(x.hi, high), y.hi, take)};
  }
}
#define EXCHANGE(a, b) qd_exchange(&a, &b, to_low, to_high);

#ifdef __GFNI__
#define qd_affine(x, m, c) \
  ((qd_pair){_mm256_gf2p8affine_epi64_epi8((x).lo, (m).lo, c), _mm256_gf2p8affine_epi64_epi8((x).hi, (m).hi, c)})
#define qd_product(x, y) ((qd_pair){_mm256_gf2p8mul_epi8((x).lo, (y).lo), _mm256_gf2p8mul_epi8((x).hi, (y).hi)})
#else
// Column k of the matrix is byte k: bit i of the result is the parity of x and byte 7 - i of the matrix.
QD_INLINE uint64_t qd_columns(uint64_t m) {
  m = __builtin_bswap64(m);
  uint64_t t = (m ^ m >> 7) & 0x00aa00aa00aa00aa;
  m ^= t ^ t << 7;
  t = (m ^ m >> 14) & 0x0000cccc0000cccc;
  m ^= t ^ t << 14;
  t = (m ^ m >> 28) & 0x00000000f0f0f0f0;
  return m ^ t ^ t << 28;
}
// Sums of four columns, by the bits of a nibble.
QD_INLINE __m256i qd_sums(uint32_t columns) {
  __m256i c = _mm256_set1_epi32((int)columns), r = _mm256_setzero_si256();
  for (int k = 0; k < 4; k++) {
    uint32_t set = k == 0 ? 0xaaaaaaaa : k == 1 ? 0xcccccccc : k == 2 ? 0xf0f0f0f0 : 0xff00ff00;
    r = _mm256_xor_si256(r, _mm256_and_si256(_mm256_shuffle_epi8(c, _mm256_set1_epi8((char)k)), qd_bytes256(set)));
  }
  return r;
}
QD_INLINE qd_pair qd_affine(qd_pair x, qd_pair m, int c) {
  uint64_t columns = qd_columns((uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(m.lo)));
  __m256i low = qd_sums((uint32_t)columns), high = qd_sums((uint32_t)(columns >> 32));
  __m256i nibble = _mm256_set1_epi8(15), constant = _mm256_set1_epi8((char)c);
#define QD_NIBBLES(v)                                                                                   \
  _mm256_xor_si256(_mm256_xor_si256(constant, _mm256_shuffle_epi8(low, _mm256_and_si256(v, nibble))),    \
                   _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble)))
  return (qd_pair){QD_NIBBLES(x.lo), QD_NIBBLES(x.hi)};
}
// With a matrix for each quadword.
QD_INLINE __m256i qd_affine_each256(__m256i x, __m256i m) {
  const __m256i reverse = _mm256_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12,
                                           11, 10, 9, 8);
  const __m256i first = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 8, 8, 8, 8, 8, 8, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0, 8, 8, 8, 8, 8, 8, 8, 8);
  __m256i r = _mm256_setzero_si256();
  m = _mm256_shuffle_epi8(m, reverse);
#define QD_TURN(s, mask)                                                                                          \
  {                                                                                                               \
    __m256i t = _mm256_and_si256(_mm256_xor_si256(m, _mm256_srli_epi64(m, s)), _mm256_set1_epi64x((long long)mask)); \
    m = _mm256_xor_si256(m, _mm256_xor_si256(t, _mm256_slli_epi64(t, s)));                                        \
  }
  QD_TURN(7, 0x00aa00aa00aa00aa)
  QD_TURN(14, 0x0000cccc0000cccc)
  QD_TURN(28, 0x00000000f0f0f0f0)
  for (int k = 7; k >= 0; k--) {
    __m256i column = _mm256_shuffle_epi8(m, _mm256_add_epi8(first, _mm256_set1_epi8((char)k)));
    r = _mm256_xor_si256(r, _mm256_blendv_epi8(_mm256_setzero_si256(), column, x));
    x = _mm256_add_epi8(x, x);
  }
  return r;
}
#define MUL_EACH(x, m) ((qd_pair){qd_affine_each256((x).lo, (m).lo), qd_affine_each256((x).hi, (m).hi)})

// x y modulo x^8 + x^4 + x^3 + x + 1.
QD_INLINE __m256i qd_product256(__m256i x, __m256i y) {
  const __m256i zero = _mm256_setzero_si256(), reduction = _mm256_set1_epi8(0x1b);
  __m256i bits[8], r = zero;
  for (int k = 7; k >= 0; k--) {
    bits[k] = x;
    x = _mm256_add_epi8(x, x);
  }
  for (int k = 0; k < 8; k++) {
    r = _mm256_xor_si256(r, _mm256_blendv_epi8(zero, y, bits[k]));
    y = _mm256_xor_si256(_mm256_add_epi8(y, y), _mm256_and_si256(reduction, _mm256_cmpgt_epi8(zero, y)));
  }
  return r;
}
QD_INLINE qd_pair qd_product(qd_pair x, qd_pair y) {
  return (qd_pair){qd_product256(x.lo, y.lo), qd_product256(x.hi, y.hi)};
}

// l0 += h0 w0 + h1 w1, l1 += h0 w2 + h1 w3, by Horner's rule on the bits of w: fewer registers than products one by one.
QD_INLINE void qd_lanes256(__m256i *l0, __m256i *l1, __m256i h0, __m256i h1, __m256i w0, __m256i w1, __m256i w2, __m256i w3) {
  const __m256i zero = _mm256_setzero_si256(), reduction = _mm256_set1_epi8(0x1b);
  __m256i r0 = zero, r1 = zero;
#define QD_TIMES_X(r) \
  _mm256_xor_si256(_mm256_add_epi8(r, r), _mm256_and_si256(reduction, _mm256_cmpgt_epi8(zero, r)))
  for (int k = 0; k < 8; k++) {
    if (k) r0 = QD_TIMES_X(r0), r1 = QD_TIMES_X(r1);
    r0 = _mm256_xor_si256(r0, _mm256_xor_si256(_mm256_blendv_epi8(zero, h0, w0), _mm256_blendv_epi8(zero, h1, w1)));
    r1 = _mm256_xor_si256(r1, _mm256_xor_si256(_mm256_blendv_epi8(zero, h0, w2), _mm256_blendv_epi8(zero, h1, w3)));
    w0 = _mm256_add_epi8(w0, w0), w1 = _mm256_add_epi8(w1, w1), w2 = _mm256_add_epi8(w2, w2), w3 = _mm256_add_epi8(w3, w3);
  }
  *l0 = _mm256_xor_si256(*l0, r0);
  *l1 = _mm256_xor_si256(*l1, r1);
}
#define LANES16(l0, l1, h0, h1, w)                                                                              \
  {                                                                                                             \
    qd_lanes256(&(l0).lo, &(l1).lo, (h0).lo, (h1).lo, (w)[0].lo, (w)[1].lo, (w)[2].lo, (w)[3].lo);              \
    qd_lanes256(&(l0).hi, &(l1).hi, (h0).hi, (h1).hi, (w)[0].hi, (w)[1].hi, (w)[2].hi, (w)[3].hi);              \
  }
#endif

#undef _mm512_setr_epi64
#define __m512i qd_pair
#define __mmask8 int
#define __mmask64 uint64_t
#define _mm512_loadu_si512(p) qd_load(p)
#define _mm512_storeu_si512(p, v) qd_store(p, v)
#define _mm512_load_si512(p) qd_load(p)
#define _mm512_store_si512(p, v) qd_store(p, v)
#define _mm512_maskz_loadu_epi8(m, p) qd_and(qd_load(p), qd_bytes(m))
#define _mm512_setzero_si512() qd_all(_mm256_setzero_si256())
#define _mm512_set1_epi8(x) qd_all(_mm256_set1_epi8(x))
#define _mm512_set1_epi64(x) qd_all(_mm256_set1_epi64x(x))
#define _mm512_setr_epi64(a, b, c, d, e, f, g, h) qd_set64(a, b, c, d, e, f, g, h)
#define _mm512_xor_si512(a, b) qd_xor(a, b)
#define _mm512_and_si512(a, b) qd_and(a, b)
#define _mm512_or_si512(a, b) qd_or(a, b)
#define _mm512_andnot_si512(a, b) qd_andnot(a, b)
#define _mm512_ternarylogic_epi64(a, b, c, t) qd_ternary(a, b, c, t)
#define _mm512_add_epi8(a, b) qd_add8(a, b)
#define _mm512_srli_epi64(a, n) qd_srli64(a, n)
#define _mm512_slli_epi64(a, n) qd_slli64(a, n)
#define _mm512_srli_epi32(a, n) qd_srli32(a, n)
#define _mm512_slli_epi32(a, n) qd_slli32(a, n)
#define _mm512_srli_epi16(a, n) qd_srli16(a, n)
#define _mm512_slli_epi16(a, n) qd_slli16(a, n)
#define _mm512_sll_epi64(a, n) qd_sll64(a, n)
#define _mm512_srl_epi64(a, n) qd_srl64(a, n)
#define _mm512_unpacklo_epi8(a, b) qd_unpacklo8(a, b)
#define _mm512_unpackhi_epi8(a, b) qd_unpackhi8(a, b)
#define _mm512_unpacklo_epi16(a, b) qd_unpacklo16(a, b)
#define _mm512_unpackhi_epi16(a, b) qd_unpackhi16(a, b)
#define _mm512_unpacklo_epi32(a, b) qd_unpacklo32(a, b)
#define _mm512_unpackhi_epi32(a, b) qd_unpackhi32(a, b)
#define _mm512_unpacklo_epi64(a, b) qd_unpacklo64(a, b)
#define _mm512_unpackhi_epi64(a, b) qd_unpackhi64(a, b)
#define _mm512_shuffle_epi8(a, b) qd_shuffle8(a, b)
#define _mm512_permutexvar_epi8(i, t) qd_look(i, t)
#define _mm512_permutexvar_epi64(i, v) qd_permute64(i, v)
#define _mm512_maskz_permutexvar_epi64(m, i, v) qd_and(qd_permute64(i, v), qd_words(m))
#define _mm512_shuffle_i64x2(a, b, s) qd_shuffle128(a, b, s)
#define _mm512_maskz_mov_epi64(m, v) qd_and(v, qd_words(m))
#define _mm512_mask_blend_epi64(m, a, b) qd_choose(qd_words(m), a, b)
#define _mm512_mask_blend_epi8(m, a, b) qd_choose(qd_bytes(m), a, b)
#define _mm512_mask_xor_epi64(v, m, a, b) qd_choose(qd_words(m), v, qd_xor(a, b))
#define _mm512_permutex_epi64(v, s) ((qd_pair){_mm256_permute4x64_epi64((v).lo, s), _mm256_permute4x64_epi64((v).hi, s)})
#define _mm512_permutex2var_epi64(a, i, b) qd_permute64_of_two(a, i, b)
#define _mm512_permutex2var_epi8(a, i, b) qd_look_in_two(a, i, b)
#define _mm512_broadcast_i64x4(v) qd_all(v)
#define _mm512_gf2p8mul_epi8(x, y) qd_product(x, y)
#define _mm512_gf2p8affine_epi64_epi8(x, m, c) qd_affine(x, m, c)

#endif
