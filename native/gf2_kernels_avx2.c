// The kernels of gf2_kernels.c for AVX2 with BMI2.
// flags: -mavx2 -mpclmul -mbmi -mbmi2

#include "avx512_on_avx2.h"
#define NAME(kernel) qd_gf2_avx2_##kernel
#include "gf2_kernels.c"
