/** What this machine has: SIMD width, native library, OpenCL devices. Probes, does not choose. */
@NullMarked
package dev.qdistill.accel;

import org.jspecify.annotations.NullMarked;
