package dev.qdistill.accel;

import static org.junit.jupiter.api.Assumptions.abort;

import java.time.Duration;
import java.util.Optional;

/** The device that tests of OpenCL run on: the first one. */
public final class TestDevice {
    private TestDevice() {}

    /** Skips the test if there is none; fails it where one is required (QDISTILL_REQUIRE_OPENCL=1). */
    public static void require() {
        Optional<String> problem = OpenClDevice.problem();
        if (problem.isPresent()) {
            if ("1".equals(System.getenv("QDISTILL_REQUIRE_OPENCL"))) {
                throw new AssertionError("OpenCL is required here: " + problem.get());
            }
            abort("no OpenCL device: " + problem.get()
                    + " (PoCL is one: apt install pocl-opencl-icd ocl-icd-libopencl1)");
        }
    }

    /** Opens it. */
    public static ComputeDevice open() {
        require();
        return OpenClDevice.open(0, Duration.ofMinutes(2), Optional.empty());
    }
}
