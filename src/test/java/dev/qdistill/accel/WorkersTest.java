package dev.qdistill.accel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.qdistill.accel.Workers.Loop;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class WorkersTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void everyIterationRunsOnce(int threads) {
        try (Workers workers = new Workers(threads)) {
            for (int count : new int[] {0, 1, 2, 7, 1000}) {
                AtomicIntegerArray runs = new AtomicIntegerArray(count);
                workers.forEach(count, runs::incrementAndGet);
                assertTrue(IntStream.range(0, count).allMatch(i -> runs.get(i) == 1));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void loopsFollowEachOtherAndEndInTheirOrder(int threads) {
        try (Workers workers = new Workers(threads)) {
            AtomicInteger first = new AtomicInteger();
            AtomicInteger second = new AtomicInteger();
            Loop one = workers.start(100, i -> first.incrementAndGet());
            Loop two = workers.start(100, i -> second.incrementAndGet());
            one.help(3);
            one.finish(List.of(two));
            assertEquals(100, first.get());
            two.finish(List.of());
            assertEquals(100, second.get());
        }
    }

    // Otherwise the last iteration of one loop would keep a thread from the next.
    @Test
    void finishWorksOnLaterLoopsWhileOthersEnd() throws InterruptedException {
        try (Workers workers = new Workers(2)) {
            CountDownLatch begun = new CountDownLatch(1);
            CountDownLatch later = new CountDownLatch(1);
            Loop one = workers.start(2, i -> {
                if (Thread.currentThread().getName().startsWith("qdistill-worker")) {
                    begun.countDown();
                    await(later);
                } else {
                    await(begun);
                }
            });
            Loop two = workers.start(1, i -> later.countDown());
            one.finish(List.of(two));
            assertEquals(0, later.getCount());
            two.finish(List.of());
        }
    }

    // A loop must not wait for threads that are busy with another one.
    @Test
    void aLoopEndsThoughTheOtherThreadsAreBusy() throws InterruptedException {
        try (Workers workers = new Workers(2)) {
            CountDownLatch begun = new CountDownLatch(1);
            CountDownLatch end = new CountDownLatch(1);
            Loop busy = workers.start(2, i -> {
                begun.countDown();
                await(end);
            });
            begun.await();
            AtomicInteger runs = new AtomicInteger();
            workers.forEach(50, i -> runs.incrementAndGet());
            assertEquals(50, runs.get());
            end.countDown();
            busy.finish(List.of());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void theFirstFailureIsThrownAndTheRestLeftOut(int threads) {
        try (Workers workers = new Workers(threads)) {
            AtomicInteger runs = new AtomicInteger();
            IllegalStateException failure = new IllegalStateException();
            assertSame(
                    failure,
                    assertThrows(
                            IllegalStateException.class,
                            () -> workers.forEach(1_000_000, i -> {
                                if (runs.incrementAndGet() == 10) {
                                    throw failure;
                                }
                            })));
            assertTrue(runs.get() < 1_000_000);
        }
    }

    @Test
    void anAbandonedLoopHasEnded() {
        try (Workers workers = new Workers(2)) {
            AtomicInteger running = new AtomicInteger();
            Loop loop = workers.start(1_000_000, i -> {
                running.incrementAndGet();
                running.decrementAndGet();
            });
            loop.abandon();
            assertEquals(0, running.get());
        }
    }

    @Test
    void theProcessorTimeOfOtherThreadsIsNotedWhenALoopEnds() {
        try (Workers workers = new Workers(2)) {
            long before = workers.processorNanos();
            for (int round = 0; round < 10; round++) {
                CountDownLatch both = new CountDownLatch(2);
                long[] burnt = new long[2];
                workers.forEach(2, i -> {
                    both.countDown();
                    await(both);
                    var clock = ManagementFactory.getThreadMXBean();
                    long start = clock.getCurrentThreadCpuTime();
                    while (burnt[i] < 2_000_000) {
                        burnt[i] = clock.getCurrentThreadCpuTime() - start;
                    }
                });
                long after = workers.processorNanos();
                assertTrue(after - before >= burnt[0] + burnt[1], after - before + " ns");
                before = after;
            }
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
