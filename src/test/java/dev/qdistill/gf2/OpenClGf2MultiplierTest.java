package dev.qdistill.gf2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.FailingDevice;
import dev.qdistill.accel.FailingDevice.Fault;
import dev.qdistill.accel.Offload;
import dev.qdistill.accel.TestDevice;
import dev.qdistill.bits.BitString;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OpenClGf2MultiplierTest {
    private static final List<String> WARNINGS = new ArrayList<>();

    @SuppressWarnings("NullAway.Init")
    private static Offload offload;

    @BeforeAll
    static void open() {
        offload = Offload.to(TestDevice.open(), Offload.Plan.EVERYTHING, WARNINGS::add);
    }

    @AfterAll
    static void close() {
        if (offload != null) {
            offload.close();
        }
        assertEquals(List.of(), WARNINGS);
    }

    @Test
    void productsAreThoseOfTheScalarMethod() {
        Gf2Multiplier multiplier = Gf2Multiplier.create(offload);
        Gf2Multiplier scalar = Gf2Multiplier.create(Backend.SCALAR);
        assertEquals(Backend.OPENCL, multiplier.backend());
        var random = new SplittableRandom(1);
        for (int bits : new int[] {1, 63, 64, 65, 1000, 40_000}) {
            for (int other : new int[] {1, 100, bits}) {
                try (BitString a = BitString.random(bits, random);
                        BitString b = BitString.random(other, random);
                        BitString expected = BitString.allocate(bits + other - 1);
                        BitString found = BitString.random(bits + other - 1, random)) {
                    scalar.multiply(a, b, expected);
                    multiplier.multiply(a, b, found);
                    assertTrue(expected.contentEquals(found), bits + " x " + other);
                }
            }
        }
    }

    @Test
    void middleProductsAreSlicesOfTheWhole() {
        Gf2Multiplier multiplier = Gf2Multiplier.create(offload);
        Gf2Multiplier cpu = Gf2Multiplier.create(Backend.AUTO);
        var random = new SplittableRandom(2);
        // Transforms of 2^21 to 2^24 bits: of the whole, with the first and the second factor as the sequence.
        long[][] shapes = {
            {300_000, 200_000, 100_001, 77_777},
            {3_000_000, 1_000_000, 999_999, 2_000_001},
            {1_000_000, 3_000_000, 999_999, 2_000_001},
            {(1 << 22) - 1, 1 << 21, (1 << 21) - 1, 1 << 21},
            {5_000_000, 3_000_000, 0, 7_999_999},
            {(1 << 24) - 1, 1 << 23, (1 << 23) - 1, 1 << 23}
        };
        for (long[] s : shapes) {
            try (BitString found = BitString.random(s[3], random);
                    BitString expected = BitString.allocate(s[3]);
                    MiddleProduct p = multiplier.middleProduct(s[0], s[1], s[2], s[3], 1);
                    MiddleProduct c = cpu.middleProduct(s[0], s[1], s[2], s[3], 1)) {
                for (int i = 0; i < 2; i++) {
                    try (BitString a = BitString.random(s[0], random)) {
                        p.setFirst(a);
                        c.setFirst(a);
                    }
                    for (int k = 0; k < 2; k++) {
                        // Bits beyond the second factor's length do not count.
                        try (BitString b = BitString.random(s[1] + 777L * k, random)) {
                            p.multiply(b, found);
                            c.multiply(b, expected);
                        }
                        assertTrue(expected.contentEquals(found), s[0] + " x " + s[1]);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "BROKEN_SOURCE, 0",
        "ABSURD_ALLOCATION, 0",
        "ABSURD_ALLOCATION, 1",
        "LAUNCH, 5",
        "LAUNCH, 60",
        "LAUNCH, 120",
        "RESULTS, 1",
        "RESULTS, 3"
    })
    void aDeviceThatFailsCostsOneWarningAndNothingElse(Fault fault, int after) {
        var random = new SplittableRandom(3);
        List<String> warnings = new ArrayList<>();
        try (Offload failing = Offload.to(
                        new FailingDevice(TestDevice.open(), fault, after), Offload.Plan.EVERYTHING, warnings::add);
                BitString a = BitString.random(100_000, random);
                BitString b = BitString.random(50_000, random);
                BitString expected = BitString.allocate(149_999);
                BitString found = BitString.allocate(149_999)) {
            Gf2Multiplier.create(Backend.AUTO).multiply(a, b, expected);
            Gf2Multiplier multiplier = Gf2Multiplier.create(failing);
            try (MiddleProduct p = multiplier.middleProduct(100_000, 50_000, 0, 149_999, 1)) {
                p.setFirst(a);
                for (int i = 0; i < 3; i++) {
                    found.wipe();
                    p.multiply(b, found);
                    assertTrue(expected.contentEquals(found));
                }
            }
            assertEquals(1, warnings.size());
            assertTrue(multiplier.backend() != Backend.OPENCL);
        }
    }
}
