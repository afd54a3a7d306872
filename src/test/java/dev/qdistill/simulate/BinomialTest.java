package dev.qdistill.simulate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BinomialTest {
    private static final int DRAWS = 20_000;

    @ParameterizedTest
    @CsvSource({
        "10,.3",
        "64,.5",
        "65,.5",
        "1000,.001",
        "1000,.999",
        "100000,.4",
        "1000000000000,.25",
        "1000000000000,1e-9"
    })
    void hasMeanAndVariance(long n, double p) {
        SplittableRandom random = new SplittableRandom(n);
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < DRAWS; i++) {
            double d = Binomial.sample(random, n, p) - n * p;
            sum += d;
            squares += d * d;
        }
        double variance = n * p * (1 - p);
        // The variance of the squared deviation is that of a normal variate and a bit more for skewed ones.
        assertEquals(0, sum / DRAWS, 5 * Math.sqrt(variance / DRAWS));
        assertEquals(variance, squares / DRAWS, 5 * variance * Math.sqrt((2 + 1 / variance) / DRAWS));
    }

    @Test
    void hasTheDistribution() {
        // Chi-square over the outcomes of 100 trials, which takes the beta step and the small case.
        int n = 100;
        double p = .3;
        SplittableRandom random = new SplittableRandom(7);
        long[] counts = new long[n + 1];
        for (int i = 0; i < 10 * DRAWS; i++) {
            counts[(int) Binomial.sample(random, n, p)]++;
        }
        double chiSquare = 0;
        int degrees = -1;
        double probability = Math.pow(1 - p, n);
        for (int k = 0; k <= n; k++) {
            double expected = 10 * DRAWS * probability;
            if (expected > 20) {
                chiSquare += (counts[k] - expected) * (counts[k] - expected) / expected;
                degrees++;
            }
            probability *= (n - k) / (k + 1.) * p / (1 - p);
        }
        assertTrue(chiSquare < degrees + 5 * Math.sqrt(2. * degrees), chiSquare + " with " + degrees);
    }

    @Test
    void handlesTheEnds() {
        SplittableRandom random = new SplittableRandom(1);
        assertEquals(0, Binomial.sample(random, 1L << 50, 0));
        assertEquals(1L << 50, Binomial.sample(random, 1L << 50, 1));
        assertEquals(0, Binomial.sample(random, 0, .5));
    }

    @Test
    void distributesAllTrials() {
        SplittableRandom random = new SplittableRandom(1);
        for (long n : new long[] {0, 1, 1000, 1L << 50}) {
            long[] counts = Binomial.multinomial(random, n, new double[] {1, 0, 3, 2, 0});
            assertEquals(n, Arrays.stream(counts).sum());
            assertEquals(0, counts[1]);
            assertEquals(n / 6., (double) counts[0], 5 * Math.sqrt(n * 5 / 36.));
            assertEquals(n / 2., (double) counts[2], 5 * Math.sqrt(n / 4.));
        }
    }
}
