// One iteration of the LDPC decoder for AVX-512 with VBMI: what dev.qdistill.ldpc.VectorPhiKernel and VectorMinSumKernel do, on the
// same memory (dev.qdistill.ldpc.LanedSyndromeDecoder describes it).
// flags: -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vbmi -mavx512vbmi2 -mbmi -mbmi2 -mpopcnt

// ldpc_kernels_avx2.c compiles this file again.

#include <immintrin.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define FLAT static inline __attribute__((always_inline))

#ifndef NAME
#define NAME(kernel) qd_ldpc_avx512_##kernel
// Lane l is lane l + r of p.
#define ROTATED(rotations, p, r) _mm512_permutexvar_epi8(ld((rotations) + ((r) << 6)), ld(p))
#define EQUAL_THEN(a, b, no, yes) _mm512_mask_blend_epi8(_mm512_cmpeq_epi8_mask(a, b), no, yes)
// -v where sign has its highest bit set.
#define SIGNED(v, sign) _mm512_mask_sub_epi8(v, _mm512_movepi8_mask(sign), _mm512_setzero_si512(), v)
// Keeps a value loaded once in a register: read again from memory by each instruction, it costs 1.5 cycles an edge.
#define ONCE(v) __asm__("" : "+v"(v))
#endif

// Measured: 2 is the best (8.9 and 7.4 cycles of a Zen 5 for an edge of 64 checks, PHI and MIN_SUM).
#ifndef UNROLL
#define UNROLL 2
#endif

typedef __m512i V;

// As LanedSyndromeDecoder fills it; addresses of vectors are multiples of 64.
typedef struct {
  const char *rotations;    // 64 lane rotations
  char *scratch;            // a vector for each edge of the largest row
  const char *phi;          // 64 values
  const uint32_t *table;    // by step and edge: source | rotation, target, as offsets from posteriors; AHEAD more
  char *posteriors;
  char *messages;           // by step and edge
  const char *syndromes;    // by step
  const int32_t *degrees;   // of the rows
  int64_t rows, chunks;
  const int32_t *alignments; // of the columns: the shift to which posteriors are aligned between iterations
  int64_t columns;
  const uint64_t *strides;  // the bits o, o + chunks, ... of a word, for o below chunks
  uint64_t *words;          // scratch, chunks of them
  int64_t far;              // whether to prefetch
  const uint32_t *bits;     // by step and edge: source | rotation of the posteriors between iterations
} Layout;

FLAT V ld(const void *p) { return _mm512_load_si512(p); }
FLAT void st(void *p, V v) { _mm512_store_si512(p, v); }

// What pass 1 gathers over the edges of 64 checks. PHI: the sum of phi without the largest, and that; MIN_SUM: both minima.
typedef struct {
  V sign, a, b;
} Checks;

FLAT void gather(Checks *k, V t, V phi, int is_phi) {
  V magnitude = _mm512_abs_epi8(t);
  k->sign = _mm512_xor_si512(k->sign, t);
  if (is_phi) {
    V f = _mm512_permutexvar_epi8(_mm512_min_epu8(magnitude, _mm512_set1_epi8(63)), phi);
    k->a = _mm512_adds_epu8(k->a, _mm512_min_epu8(k->b, f));
    k->b = _mm512_max_epu8(k->b, f);
  } else {
    k->b = _mm512_min_epu8(k->b, _mm512_max_epu8(k->a, magnitude));
    k->a = _mm512_min_epu8(k->a, magnitude);
  }
}

// The two parts of the table, or of the two minima the messages.
typedef struct {
  V low, high;
} Magnitudes;

FLAT V message(const Checks *k, const Magnitudes *lut, const Magnitudes *minima, V t, V phi, int is_phi) {
  V magnitude = _mm512_abs_epi8(t), m;
  if (is_phi) {
    V f = _mm512_permutexvar_epi8(_mm512_min_epu8(magnitude, _mm512_set1_epi8(63)), phi);
    V sum = _mm512_adds_epu8(k->a, _mm512_sub_epi8(k->b, f));
    // The bit that comes from the neighbouring byte is beyond the table.
    m = _mm512_permutex2var_epi8(lut->low, _mm512_srli_epi32(sum, 1), lut->high);
  } else {
    m = EQUAL_THEN(magnitude, k->a, minima->low, minima->high);
  }
  return SIGNED(m, _mm512_xor_si512(k->sign, t));
}

// Where the state is much larger than the second-level cache (far), what will be read soon is asked for.
#define AHEAD 20
#define PASS1(j)                                                                                       \
  {                                                                                                    \
    uint32_t from = next[2 * (j)];                                                                     \
    V x = ROTATED(rotations, posteriors + (from & ~63u), from & 63);                                   \
    if (far) {                                                                                         \
      _mm_prefetch(ahead + 64 * (j) + 4096, _MM_HINT_T0);                                              \
      _mm_prefetch(posteriors + (next[2 * (j) + 2 * AHEAD] & ~63u), _MM_HINT_T0);                      \
    }                                                                                                  \
    st(scratch + 64 * (j), x);                                                                         \
    gather(&gathered, first ? x : _mm512_subs_epi8(x, ld(ahead + 64 * (j))), phi, is_phi);             \
  }
#define PASS2(i)                                                                              \
  {                                                                                           \
    V x = ld(scratch + 64 * (i)), c = first ? _mm512_setzero_si512() : ld(behind + 64 * (i)); \
    if (!first) ONCE(c);                                                                      \
    V t = first ? x : _mm512_subs_epi8(x, c);                                                 \
    V m = message(&done, &lut, &minima, t, phi, is_phi);                                      \
    V y = _mm512_adds_epi8(x, first ? m : _mm512_sub_epi8(m, c));                             \
    V change = _mm512_sub_epi8(y, x);                                                         \
    st(behind + 64 * (i), first ? change : _mm512_add_epi8(c, change));                       \
    st(posteriors + present[2 * (i) + 1], y);                                                 \
  }

// Pass 2 of each step with pass 1 of the next: the latency of the reductions would bound it otherwise.
FLAT int64_t iteration(const Layout *l, const char *table, int is_phi, int first, int far) {
  const char *rotations = l->rotations, *syndrome = l->syndromes;
  char *scratch = l->scratch, *posteriors = l->posteriors, *ahead = l->messages, *behind = ahead;
  const uint32_t *next = l->table, *present = next;
  Magnitudes lut = {ld(table), ld(table + 64)}, minima = lut;
  V phi = ld(l->phi);
  Checks gathered = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()}, done = gathered;
  int64_t unsatisfied = 0, before = 0;
  for (int64_t row = 0; row < l->rows; row++) {
    int64_t degree = l->degrees[row];
    for (int64_t chunk = 0; chunk < l->chunks; chunk++) {
      done = gathered;
      unsatisfied += _mm_popcnt_u64(_mm512_movepi8_mask(done.sign));
      if (!is_phi) {
        minima.low = _mm512_permutex2var_epi8(lut.low, done.a, lut.high);
        minima.high = _mm512_permutex2var_epi8(lut.low, done.b, lut.high);
      }
      gathered.sign = ld(syndrome);
      gathered.a = gathered.b = is_phi ? _mm512_setzero_si512() : _mm512_set1_epi8(127);
      syndrome += 64;
      int64_t both = (before < degree ? before : degree) & -UNROLL;
      int64_t lead = before - both;
      for (int64_t i = 0; i < lead; i++) PASS2(i)
      present += 2 * lead;
      behind += 64 * lead;
      scratch += 64 * lead;
      for (int64_t j = 0; j < both; j += UNROLL) {
#pragma GCC unroll 8
        for (int64_t u = 0; u < UNROLL; u++) {
          PASS2(u)
          {
            char *keep = scratch;
            scratch -= 64 * lead;
            PASS1(u)
            scratch = keep;
          }
        }
        present += 2 * UNROLL;
        next += 2 * UNROLL;
        behind += 64 * UNROLL;
        ahead += 64 * UNROLL;
        scratch += 64 * UNROLL;
      }
      scratch -= 64 * lead;
      for (int64_t j = 0; j < degree - both; j++) PASS1(j)
      next += 2 * (degree - both);
      ahead += 64 * (degree - both);
      scratch = l->scratch;
      before = degree;
    }
  }
  done = gathered;
  unsatisfied += _mm_popcnt_u64(_mm512_movepi8_mask(done.sign));
  if (!is_phi) {
    minima.low = _mm512_permutex2var_epi8(lut.low, done.a, lut.high);
    minima.high = _mm512_permutex2var_epi8(lut.low, done.b, lut.high);
  }
  for (int64_t i = 0; i < before; i++) PASS2(i)
  return unsatisfied;
}

FLAT int64_t any(const Layout *l, const char *table, int is_phi, int first) {
  if (first) return l->far ? iteration(l, table, is_phi, 1, 1) : iteration(l, table, is_phi, 1, 0);
  return l->far ? iteration(l, table, is_phi, 0, 1) : iteration(l, table, is_phi, 0, 0);
}

// Return the number of checks that extrinsic signs left unsatisfied. table: 128 magnitudes. first: all messages count as zero.
EXPORT int64_t NAME(phi)(const Layout *l, const char *table, int32_t first) { return any(l, table, 1, first); }

EXPORT int64_t NAME(min_sum)(const Layout *l, const char *table, int32_t first) { return any(l, table, 0, first); }

// Circulants of 64 * chunks bits: bit i is lane i / chunks of chunk i % chunks. Calls BODY for each word w with the mask of the bits
// that belong to a chunk and the lane of the first of them.
#define EACH_WORD(l, chunk, BODY)                                          \
  {                                                                        \
    int64_t step = 64 % (l)->chunks, o = (chunk), lane = 0;                \
    for (int64_t w = 0; w < (l)->chunks; w++) {                            \
      uint64_t mask = (l)->strides[o];                                     \
      if (mask) BODY;                                                      \
      lane += __builtin_popcountll(mask);                                  \
      o -= step;                                                           \
      if (o < 0) o += (l)->chunks;                                         \
    }                                                                      \
  }

// The syndrome's bits, by row, as bytes 0 and -1.
EXPORT int64_t NAME(load)(const Layout *l, const uint64_t *syndrome) {
  for (int64_t chunk = 0; chunk < l->chunks; chunk++) {
    for (int64_t row = 0; row < l->rows; row++) {
      uint64_t lanes = 0;
      EACH_WORD(l, chunk, lanes |= _pext_u64(syndrome[row * l->chunks + w], mask) << lane)
      st((char *)l->syndromes + 64 * (row * l->chunks + chunk), _mm512_movm_epi8(lanes));
    }
  }
  return 0;
}

// Whether the signs of the posteriors have the syndrome: stops at the first 64 checks that they do not have, from the last row on, where
// coupled codes converge last.
EXPORT int64_t NAME(agrees)(const Layout *l) {
  const char *rotations = l->rotations;
  const uint32_t *end = l->bits;
  for (int64_t row = 0; row < l->rows; row++) end += l->degrees[row] * l->chunks;
  for (int64_t row = l->rows - 1; row >= 0; row--) {
    for (int64_t chunk = l->chunks - 1; chunk >= 0; chunk--) {
      const uint32_t *from = end - l->degrees[row];
      V sign = ld(l->syndromes + 64 * (row * l->chunks + chunk));
      for (const uint32_t *f = from; f < end; f++) {
        sign = _mm512_xor_si512(sign, ROTATED(rotations, l->posteriors + (*f & ~63u), *f & 63));
      }
      if (_mm512_movepi8_mask(sign)) return 0;
      end = from;
    }
  }
  return 1;
}

// The signs of the posteriors, one bit each, in the frame's order.
EXPORT int64_t NAME(decide)(const Layout *l, uint64_t *decision) {
  int64_t n = l->chunks;
  uint64_t *words = l->words;
  for (int64_t column = 0; column < l->columns; column++) {
    for (int64_t w = 0; w < n; w++) words[w] = 0;
    for (int64_t chunk = 0; chunk < n; chunk++) {
      uint64_t signs = _mm512_movepi8_mask(ld(l->posteriors + 64 * (column * n + chunk)));
      if (signs) EACH_WORD(l, chunk, words[w] |= _pdep_u64(signs >> lane, mask))
    }
    int64_t to = l->alignments[column] / 64, shift = l->alignments[column] % 64;
    uint64_t *out = decision + column * n;
    for (int64_t w = 0; w < n; w++) {
      // A shift by 64 - 0 must give zero, which two shifts do.
      out[to] = words[w] << shift | words[w ? w - 1 : n - 1] >> 1 >> (63 - shift);
      if (++to == n) to = 0;
    }
  }
  for (int64_t w = 0; w < n; w++) words[w] = 0;
  return 0;
}

typedef struct {
  const int64_t *windows;   // by edge: the word of a frame of doubled columns in which its window begins * 64 + the bit of that
  const int32_t *row_start; // rows + 1
  uint64_t *doubled;        // every column twice in a row, and 9 words more
  int64_t rows, columns, words; // words of a circulant
  uint64_t *sum;            // scratch, words of them
} Encoder;

FLAT void twice(const Encoder *e, const uint64_t *frame) {
  uint64_t *to = e->doubled;
  for (int64_t c = 0; c < e->columns; c++, frame += e->words, to += 2 * e->words) {
    for (int64_t w = 0; w < e->words; w++) to[w] = to[w + e->words] = frame[w];
  }
}

FLAT void forget(const Encoder *e) {
  for (int64_t w = 0; w < 2 * e->words * e->columns; w++) e->doubled[w] = 0;
}

#ifndef QDISTILL_AVX512_ON_AVX2_H
// Words first to first + 7 of a row of the syndrome.
FLAT V parities(const Encoder *e, int64_t row, int64_t first, __mmask8 lanes) {
  V sum = _mm512_setzero_si512();
  const uint64_t *from = e->doubled + first;
  for (int64_t i = e->row_start[row]; i < e->row_start[row + 1]; i++) {
    const uint64_t *window = from + (e->windows[i] >> 6);
    V low = _mm512_maskz_loadu_epi64(lanes, window), high = _mm512_maskz_loadu_epi64(lanes, window + 1);
    sum = _mm512_xor_si512(sum, _mm512_shrdv_epi64(low, high, _mm512_set1_epi64(e->windows[i])));
  }
  return sum;
}

FLAT __mmask8 lanes(const Encoder *e, int64_t first) { return e->words - first >= 8 ? 0xff : (1 << (e->words - first)) - 1; }

// syndrome = H frame
EXPORT int64_t NAME(encode)(const Encoder *e, const uint64_t *frame, uint64_t *syndrome) {
  twice(e, frame);
  for (int64_t row = 0; row < e->rows; row++) {
    for (int64_t w = 0; w < e->words; w += 8) {
      _mm512_mask_storeu_epi64(syndrome + row * e->words + w, lanes(e, w), parities(e, row, w, lanes(e, w)));
    }
  }
  forget(e);
  return 0;
}

// Whether syndrome = H frame; stops at the first difference.
EXPORT int64_t NAME(matches)(const Encoder *e, const uint64_t *frame, const uint64_t *syndrome) {
  int64_t same = 1;
  twice(e, frame);
  for (int64_t row = 0; row < e->rows && same; row++) {
    for (int64_t w = 0; w < e->words && same; w += 8) {
      V s = _mm512_maskz_loadu_epi64(lanes(e, w), syndrome + row * e->words + w);
      same = !_mm512_cmpneq_epi64_mask(s, parities(e, row, w, lanes(e, w)));
    }
  }
  forget(e);
  return same;
}
#else
// Words of the syndrome a row at a time; the compiler makes vectors of four.
FLAT void parities(const Encoder *e, int64_t row, uint64_t *sum) {
  for (int64_t w = 0; w < e->words; w++) sum[w] = 0;
  for (int64_t i = e->row_start[row]; i < e->row_start[row + 1]; i++) {
    const uint64_t *window = e->doubled + (e->windows[i] >> 6);
    int shift = e->windows[i] & 63;
    // A shift by 64 - 0 must give zero, which two shifts do.
    for (int64_t w = 0; w < e->words; w++) sum[w] ^= window[w] >> shift | window[w + 1] << 1 << (63 - shift);
  }
}

EXPORT int64_t NAME(encode)(const Encoder *e, const uint64_t *frame, uint64_t *syndrome) {
  twice(e, frame);
  for (int64_t row = 0; row < e->rows; row++) parities(e, row, syndrome + row * e->words);
  forget(e);
  return 0;
}

EXPORT int64_t NAME(matches)(const Encoder *e, const uint64_t *frame, const uint64_t *syndrome) {
  uint64_t *sum = e->sum, differences = 0;
  twice(e, frame);
  for (int64_t row = 0; row < e->rows && !differences; row++) {
    parities(e, row, sum);
    for (int64_t w = 0; w < e->words; w++) differences |= sum[w] ^ syndrome[row * e->words + w];
  }
  for (int64_t w = 0; w < e->words; w++) sum[w] = 0;
  forget(e);
  return !differences;
}
#endif
