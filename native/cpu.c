// The instruction sets of this CPU, as the kernels ask for them (dev.qdistill.accel.NativeIsa). Compiled for any x86-64.

#include <stdint.h>

#define HAS(feature) (__builtin_cpu_supports(feature) != 0)

// Bit 0: AVX2 with BMI2, PCLMUL. Bit 1: AVX2 as before, with GFNI. Bit 2: AVX-512 F, BW, DQ, VL, VBMI, VBMI2 with GFNI, VPCLMUL.
__attribute__((visibility("default"))) int32_t qd_isas(void) {
  __builtin_cpu_init();
  int avx2 = HAS("avx2") && HAS("bmi") && HAS("bmi2") && HAS("popcnt") && HAS("pclmul");
  int gfni = avx2 && HAS("gfni");
  int avx512 = gfni && HAS("avx512f") && HAS("avx512bw") && HAS("avx512dq") && HAS("avx512vl") && HAS("avx512vbmi") &&
               HAS("avx512vbmi2") && HAS("vpclmulqdq");
  return avx2 | gfni << 1 | avx512 << 2;
}
