package dev.qdistill.reconcile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Backend;
import dev.qdistill.accel.ComputeDevice;
import dev.qdistill.accel.FailingDevice;
import dev.qdistill.accel.FailingDevice.Fault;
import dev.qdistill.accel.KernelSources;
import dev.qdistill.accel.Offload;
import dev.qdistill.accel.OpenClDevice;
import dev.qdistill.accel.TestDevice;
import dev.qdistill.accel.Workers;
import dev.qdistill.bits.BitString;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.OpenClSyndromeDecoder;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.QuasiCyclicCode;
import dev.qdistill.reconcile.ReconcileMessage.Reconciled;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeviceShareTest {
    private static final CodeFamily CODES = CodeFamily.shipped();
    private static final Workers WORKERS = new Workers(2);
    // Enough for several pieces; frames of 2^12, of which many fail at first.
    private static final int BITS = 120_000;

    private final List<String> warnings = new ArrayList<>();

    private record Outcome(Leakage leakage, ReconcileStatistics statistics) {}

    @BeforeAll
    static void require() {
        TestDevice.require();
    }

    @AfterAll
    static void close() {
        WORKERS.close();
    }

    private static Outcome run(Offload offload) {
        var random = new SplittableRandom(5);
        try (BitString alice = BitString.random(BITS, random);
                BitString bob = alice.copy()) {
            for (int i = 0; i < BITS; i++) {
                if (random.nextDouble() < .025) {
                    bob.set(i, !bob.get(i));
                }
            }
            AliceReconciler a = new AliceReconciler(alice, 4096, CODES, Backend.AUTO, WORKERS);
            try (BobReconciler b = new BobReconciler(
                    bob,
                    QberEstimate.fromSample(250, 10_000),
                    4096,
                    CODES,
                    Profile.EFFICIENT,
                    Backend.AUTO,
                    WORKERS,
                    offload,
                    n -> {})) {
                Deque<ReconcileMessage> requests = new ArrayDeque<>();
                b.start(requests::add);
                while (!(requests.peek() instanceof Reconciled)) {
                    b.receive(a.answer(requests.remove()), requests::add);
                }
                assertTrue(b.done());
                assertEquals(0, alice.distance(bob));
                assertEquals(a.leakage(), b.leakage());
                return new Outcome(b.leakage(), b.statistics());
            }
        }
    }

    @Test
    void aBlockIsReconciledOnTheDeviceAsOnTheCpu() {
        Outcome expected = run(Offload.none());
        assertTrue(expected.statistics.firstFailures() > 0);
        for (boolean share : new boolean[] {false, true}) {
            try (Offload offload = Offload.to(TestDevice.open(), new Offload.Plan(true, share, 0), warnings::add)) {
                assertEquals(expected, run(offload));
            }
        }
        assertEquals(List.of(), warnings);
    }

    @ParameterizedTest
    @CsvSource({
        "BROKEN_SOURCE, 0",
        "ABSURD_ALLOCATION, 3",
        "ABSURD_ALLOCATION, 18",
        "LAUNCH, 2",
        "LAUNCH, 4",
        "RESULTS, 4"
    })
    void aDeviceThatFailsCostsOneWarningAndNothingElse(Fault fault, int after) {
        Outcome expected = run(Offload.none());
        for (boolean share : new boolean[] {false, true}) {
            warnings.clear();
            try (Offload offload = Offload.to(
                    new FailingDevice(TestDevice.open(), fault, after),
                    new Offload.Plan(true, share, 0),
                    warnings::add)) {
                assertEquals(expected, run(offload));
                // Workers that share may be done before it comes to that.
                assertTrue(share || offload.device().isEmpty());
                assertEquals(offload.device().isEmpty() ? 1 : 0, warnings.size());
                warnings.forEach(w -> assertTrue(w.endsWith("the CPU does the rest, with the same result"), w));
            }
        }
    }

    /** As an FPGA's: one work-item, one size of circulant, and no other kernels. */
    @ParameterizedTest
    @CsvSource({"-D SINGLE_WORK_ITEM -D CIRCULANT=64, 64", "-D SINGLE_WORK_ITEM -D CIRCULANT=512, 512"})
    void aBinaryDoesWhatItWasCompiledForAndTheCpuTheRest(String options, int circulant) {
        Outcome expected = run(Offload.none());
        byte[] binary;
        try (ComputeDevice device = TestDevice.open()) {
            var program = device.program(KernelSources.decoder(), "-D WIDTH=1 " + options);
            program.kernel("decode").close();
            binary = program.binary();
        }
        ComputeDevice prebuilt = OpenClDevice.open(0, OpenClDevice.PATIENCE, Optional.of(binary));
        try (Offload offload = Offload.to(prebuilt, Offload.Plan.EVERYTHING, warnings::add)) {
            try (OpenClSyndromeDecoder decoder = new OpenClSyndromeDecoder(prebuilt)) {
                QuasiCyclicCode code = CODES.code(CODES.codes(4096).getFirst().name());
                assertEquals(circulant == 0 || circulant == code.circulant(), decoder.takes(code));
            }
            assertEquals(expected, run(offload));
            assertTrue(offload.device().isPresent());
        }
        assertEquals(List.of(), warnings);
    }

    @Test
    void aDeviceThatDoesNotAnswerIsGivenUp() {
        Outcome expected = run(Offload.none());
        var device = OpenClDevice.open(0, Duration.ofMillis(200), Optional.empty());
        try (Offload offload =
                Offload.to(new FailingDevice(device, Fault.SLOW_KERNEL, 0), Offload.Plan.EVERYTHING, warnings::add)) {
            assertEquals(expected, run(offload));
            assertEquals(1, warnings.size());
            assertTrue(warnings.getFirst().contains("did not answer within 200 ms"), warnings.getFirst());
        }
    }
}
