// The kernels of ldpc_kernels.c for AVX2 with BMI2: each vector is two, and tables are looked up by 16 bytes.
// flags: -mavx2 -mbmi -mbmi2 -mpopcnt

#include "avx512_on_avx2.h"

#define NAME(kernel) qd_ldpc_avx2_##kernel
#define UNROLL 1

QD_EACH(sub8, _mm256_sub_epi8)
QD_EACH(subs8, _mm256_subs_epi8)
QD_EACH(adds8, _mm256_adds_epi8)
QD_EACH(addsu8, _mm256_adds_epu8)
QD_EACH(minu8, _mm256_min_epu8)
QD_EACH(maxu8, _mm256_max_epu8)
#define _mm512_sub_epi8(a, b) qd_sub8(a, b)
#define _mm512_subs_epi8(a, b) qd_subs8(a, b)
#define _mm512_adds_epi8(a, b) qd_adds8(a, b)
#define _mm512_adds_epu8(a, b) qd_addsu8(a, b)
#define _mm512_min_epu8(a, b) qd_minu8(a, b)
#define _mm512_max_epu8(a, b) qd_maxu8(a, b)
#define _mm512_abs_epi8(a) qd_abs8(a)
#define _mm512_movepi8_mask(a) qd_mask(a)
#define _mm512_movm_epi8(m) qd_bytes(m)
#define EQUAL_THEN(a, b, no, yes) qd_equal_then(a, b, no, yes)
#define SIGNED(v, sign) qd_signed(v, sign)
#define ROTATED(rotations, p, r) qd_rotated(rotations, p, r)
#define ONCE(v) (void)0

QD_INLINE qd_pair qd_abs8(qd_pair a) { return (qd_pair){_mm256_abs_epi8(a.lo), _mm256_abs_epi8(a.hi)}; }
QD_INLINE uint64_t qd_mask(qd_pair a) {
  return (uint32_t)_mm256_movemask_epi8(a.lo) | (uint64_t)(uint32_t)_mm256_movemask_epi8(a.hi) << 32;
}
QD_INLINE qd_pair qd_equal_then(qd_pair a, qd_pair b, qd_pair no, qd_pair yes) {
  return (qd_pair){_mm256_blendv_epi8(no.lo, yes.lo, _mm256_cmpeq_epi8(a.lo, b.lo)),
                   _mm256_blendv_epi8(no.hi, yes.hi, _mm256_cmpeq_epi8(a.hi, b.hi))};
}
QD_INLINE qd_pair qd_signed(qd_pair v, qd_pair sign) {
  __m256i one = _mm256_set1_epi8(1);
  return (qd_pair){_mm256_sign_epi8(v.lo, _mm256_or_si256(sign.lo, one)), _mm256_sign_epi8(v.hi, _mm256_or_si256(sign.hi, one))};
}
// Where the index is below r, the lanes have wrapped around. The loads touch the vectors before and after too, which are the decoder's.
QD_INLINE __m256i qd_rotated256(const char *indices, const char *p, int r) {
  __m256i wrapped = _mm256_cmpgt_epi8(_mm256_set1_epi8((char)r), _mm256_load_si256((const __m256i *)indices));
  return _mm256_blendv_epi8(_mm256_loadu_si256((const __m256i *)(p + r)), _mm256_loadu_si256((const __m256i *)(p + r - 64)), wrapped);
}
QD_INLINE qd_pair qd_rotated(const char *rotations, const char *p, int r) {
  rotations += r << 6;
  return (qd_pair){qd_rotated256(rotations, p, r), qd_rotated256(rotations + 32, p + 32, r)};
}

#include "ldpc_kernels.c"
