package dev.qdistill.ldpc;

import dev.qdistill.accel.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Designs the codes of one frame length for one profile: degree distributions interpolated between optimised ones, tables by density evolution,
 * base matrix by {@link CodeConstruction}, operating points by simulation. Deterministic from the seed.
 */
public final class FamilyDesign {
    /** Message units a nat, and the largest message. */
    private static final int UNITS = 6;

    private static final int CLIP = DecoderTables.LARGEST;

    /** The decoder state (a seventh of the checks unsatisfied) from which min-sum is as good as φ, without coupling. */
    private static final int MIN_SUM_BELOW = 17;

    /** Ratio of the leakages of neighbouring rates. */
    private static final double STEP = 1.035;

    /** The same from frames of 2^16 bits up. */
    private static final double FINE_STEP = 1.0175;

    /** The same for {@link Profile#FAST}. */
    private static final double FAST_STEP = 1.02;

    /** Matrices tried beyond the first where one is worse than its neighbours. */
    private static final int ATTEMPTS = 3;

    /** By how much f may exceed that of the neighbouring code before another matrix is tried. */
    private static final double TOLERANCE = .015;

    /** The same for {@link Profile#FAST}. */
    private static final double FAST_TOLERANCE = .01;

    private static final double LARGEST_LEAKAGE = .62;
    private static final double SMALLEST_LEAKAGE = .039;

    private final int frameBits;
    private final Profile profile;
    private final int frames;
    private final int threads;
    private final long seed;

    /**
     * A design.
     *
     * @param frameBits a power of two from 2^12 to 2^20
     * @param profile what the codes are designed for
     * @param frames simulated for a point
     * @param threads that simulate
     * @param seed of constructions and simulations
     */
    public FamilyDesign(int frameBits, Profile profile, int frames, int threads, long seed) {
        if (Integer.bitCount(frameBits) != 1 || frameBits < 1 << 12 || frameBits > 1 << 20) {
            throw new IllegalArgumentException(
                    "Frame length " + frameBits + "; powers of two from 4096 to 1048576 are supported");
        }
        this.frameBits = frameBits;
        this.profile = profile;
        this.frames = frames;
        this.threads = threads;
        this.seed = seed;
    }

    /** The leakages 1 - R of the family. */
    public List<Double> leakages() {
        List<Double> result = new ArrayList<>();
        for (double l = LARGEST_LEAKAGE; l > SMALLEST_LEAKAGE; l /= step(l)) {
            result.add(l);
        }
        return result;
    }

    // Long base matrices of high rates are large; there, finer steps gain little.
    private double step(double leakage) {
        if (frameBits < 1 << 16) {
            return STEP;
        }
        if (profile == Profile.FAST) {
            return FAST_STEP;
        }
        return frameBits >= 1 << 20 && leakage < .13 ? FINE_STEP * FINE_STEP : FINE_STEP;
    }

    /** Designs and measures all codes and writes them to a file in {@code directory}, named as the resource is. */
    public void write(Path directory, Consumer<String> progress) throws IOException {
        CodeFamily.write(directory.resolve(CodeFamily.fileName(frameBits, profile)), designAll(progress));
    }

    /** Designs and measures all codes; tells {@code progress} a line about each. */
    public List<QuasiCyclicCode> designAll(Consumer<String> progress) {
        List<QuasiCyclicCode> codes = new ArrayList<>();
        int before = -1;
        double guess = frameBits < 1 << 14 ? 1.25 : 1.18;
        for (double leakage : leakages()) {
            QuasiCyclicCode code;
            try {
                code = design(leakage);
            } catch (IllegalArgumentException e) {
                progress.accept(String.format(Locale.ROOT, "leakage %.4f: %s", leakage, e.getMessage()));
                continue;
            }
            if (code.syndromeBits() == before) {
                continue;
            }
            before = code.syndromeBits();
            code = measured(code, guess);
            // Some matrices have an error floor: another seed. Short ones differ most, and cost little.
            double worst = frameBits < 1 << 16 ? 1 : guess + (profile == Profile.FAST ? FAST_TOLERANCE : TOLERANCE);
            for (int attempt = 1; attempt <= ATTEMPTS && efficiency(code) > worst; attempt++) {
                QuasiCyclicCode other = measured(design(leakage, seed + attempt), guess);
                code = efficiency(other) < efficiency(code) ? other : code;
            }
            guess = efficiency(code);
            codes.add(code);
            progress.accept(String.format(
                    Locale.ROOT,
                    "%s: %d x %d circulants of %d, %.2f edges a bit; efficient to %.3f %% (f %.3f), fast to %.3f %% (f %.3f)",
                    code.name(),
                    code.rows(),
                    code.columns(),
                    code.circulant(),
                    (double) code.edges() / code.columns(),
                    100 * code.operatingQber(Profile.EFFICIENT),
                    guess,
                    100 * code.operatingQber(Profile.FAST),
                    code.efficiency(code.operatingQber(Profile.FAST))));
        }
        return codes;
    }

    private static double efficiency(QuasiCyclicCode code) {
        return code.efficiency(code.operatingQber(Profile.EFFICIENT));
    }

    /** Builds the code whose leakage is the nearest possible one, its operating points not yet measured. */
    public QuasiCyclicCode design(double leakage) {
        return design(leakage, seed);
    }

    private QuasiCyclicCode design(double leakage, long matrixSeed) {
        int circulant = circulant(leakage);
        int columns = frameBits / circulant;
        int rows = Math.max(2, (int) Math.round(leakage * columns));
        // The window is well below the number of rows, and above the highest degree.
        boolean coupled = profile == Profile.EFFICIENT && coupled(leakage);
        int window = coupled ? Math.min(rows / 2, frameBits < 1 << 18 ? 40 : leakage > .25 ? 60 : 100) : 0;
        double lead = coupled ? rows * (frameBits < 1 << 20 ? .0085 : leakage > .25 ? .01 : .0145) : 0;
        double designRate = 1 - (rows - lead) / columns;
        // Chains of columns of degree 2 are kept to 3, 5 or about 12.
        double twos = frameBits < 1 << 16 ? .75 : frameBits <= 1 << 20 ? .83 : .93;
        DegreeDistribution degrees = capped(DegreeFamily.of(profile).at(designRate), rows, columns, circulant)
                .withDegreeTwoAtMost(twos * rows / columns);
        // A coupled code converges from one end to the other: on its front it is never near the end.
        DecoderTables tables = tables(degrees, designRate).withMinSumBelow(profile == Profile.FAST ? MIN_SUM_BELOW : 0);
        String name = String.format(
                Locale.ROOT, "n%d-m%d%s", frameBits, rows * circulant, profile == Profile.FAST ? "-fast" : "");
        return new CodeConstruction(circulant, rows, columns, degrees, window, lead, matrixSeed).build(name, tables);
    }

    /** The decoder tables for codes of a rate and degree distribution. */
    static DecoderTables tables(DegreeDistribution degrees, double rate) {
        int phiResolution = rate < .65 || rate > .85 ? 128 : 96;
        return DecoderTables.of(
                UNITS,
                phiResolution,
                CLIP,
                tables(UpdateRule.PHI, phiResolution, degrees, rate),
                tables(UpdateRule.MIN_SUM, phiResolution, degrees, rate));
    }

    // From a run a little below the threshold, so that all states up to convergence occur.
    private static byte[][] tables(UpdateRule rule, int phiResolution, DegreeDistribution degrees, double rate) {
        DensityEvolution evolution = new DensityEvolution(rule, UNITS, phiResolution, CLIP);
        double f = Math.min(1.9, evolution.threshold(degrees, rate, 150) + .01);
        return evolution.tables(degrees, rate, QuasiCyclicCode.inverseBinaryEntropy((1 - rate) / f));
    }

    // Coupling pays where there are many rows: for long frames and low rates.
    private boolean coupled(double leakage) {
        return frameBits >= 1 << 20 ? leakage > .07 : frameBits >= 1 << 16 && leakage > .33;
    }

    // Small circulants where there would be too few rows, or a window of them is wanted.
    private int circulant(double leakage) {
        if (profile == Profile.FAST) {
            int rows = frameBits < 1 << 16 ? 16 : 40;
            return Math.clamp(Integer.highestOneBit((int) (leakage * frameBits / rows)), 64, 512);
        }
        boolean small = leakage < .13 || frameBits < 1 << 20 && coupled(leakage);
        return switch (Integer.numberOfTrailingZeros(frameBits)) {
            case 12, 13, 14, 15 -> 64;
            case 16, 17 -> small ? 128 : 256;
            case 18, 19 -> small ? 256 : 512;
            default -> small ? 512 : 1024;
        };
    }

    // High degrees need room: the pairs of rows that columns join must be well below the Z per pair that have no cycle
    // of length 4,
    // and short frames stand no very high degrees.
    private static DegreeDistribution capped(DegreeDistribution degrees, int rows, int columns, int circulant) {
        int most = switch (Integer.numberOfTrailingZeros(columns * circulant)) {
            case 12, 13 -> 10;
            case 14, 15 -> 20;
            case 16, 17 -> 36;
            default -> 46;
        };
        double room = .5 * rows * (rows - 1) / 2 * circulant;
        for (int cap = Math.min(most, rows); cap > 3; cap--) {
            DegreeDistribution d = degrees.capped(cap);
            double pairs = 0;
            for (int i = 0; i < d.size(); i++) {
                pairs += d.fraction(i) * (d.degree(i) - 1) / 2;
            }
            if (pairs * d.averageDegree() * columns <= room) {
                return d;
            }
        }
        return degrees.capped(3);
    }

    /** The code with operating points found by simulation, searched from efficiency {@code guess}. */
    public QuasiCyclicCode measured(QuasiCyclicCode code, double guess) {
        return profile == Profile.FAST ? measuredFast(code, guess) : measuredEfficient(code, guess);
    }

    // The least f at which the work is allowed and few enough frames fail.
    private QuasiCyclicCode measuredFast(QuasiCyclicCode code, double guess) {
        double good = guess;
        while (work(code, good) > Profile.FAST_WORK) {
            good += .02;
        }
        double bad = good - .02;
        while (work(code, bad) <= Profile.FAST_WORK) {
            good = bad;
            bad -= .02;
        }
        while (good - bad > .003) {
            double f = (good + bad) / 2;
            if (work(code, f) <= Profile.FAST_WORK) {
                good = f;
            } else {
                bad = f;
            }
        }
        while (!holds(code, good) && good < 4) {
            good = 1 + (good - 1) * 1.03;
        }
        return code.with(code.name(), qber(code, good), qber(code, good), code.tables());
    }

    private QuasiCyclicCode measuredEfficient(QuasiCyclicCode code, double guess) {
        double good = guess;
        double bad = 0;
        while (!holds(code, good)) {
            bad = good;
            good = 1 + (good - 1) * 1.3;
            if (good > 4) {
                break;
            }
        }
        while (bad == 0) {
            double f = 1 + (good - 1) / 1.2;
            if (holds(code, f)) {
                good = f;
            } else {
                bad = f;
            }
        }
        while (good - bad > Math.max(.004, .05 * (good - 1))) {
            double f = (good + bad) / 2;
            if (holds(code, f)) {
                good = f;
            } else {
                bad = f;
            }
        }
        double slow = good;
        double fast = good;
        if (work(code, good) > Profile.FAST_WORK) {
            fast = good + .16;
            while (fast - slow > .006) {
                double f = (fast + slow) / 2;
                if (work(code, f) > Profile.FAST_WORK) {
                    slow = f;
                } else {
                    fast = f;
                }
            }
        }
        return code.with(code.name(), qber(code, good), qber(code, fast), code.tables());
    }

    /** The error rate at which the code has efficiency f. */
    public static double qber(QuasiCyclicCode code, double f) {
        return QuasiCyclicCode.inverseBinaryEntropy((1 - code.rate()) / f);
    }

    private boolean holds(QuasiCyclicCode code, double f) {
        int most = frames * 6 / 1000;
        CodeMeasurement m = CodeMeasurement.measure(
                code,
                Backend.AUTO,
                UpdateRule.PHI,
                qber(code, f),
                Profile.EFFICIENT_ITERATIONS,
                frames,
                most,
                threads,
                seed);
        return m.failures() + m.undetected() <= most;
    }

    private double work(QuasiCyclicCode code, double f) {
        CodeMeasurement m = CodeMeasurement.measure(
                code,
                Backend.AUTO,
                UpdateRule.PHI,
                qber(code, f),
                Profile.EFFICIENT_ITERATIONS,
                /* frames= */ Math.max(4, frames / 16),
                /* maxFailures= */ frames,
                threads,
                seed + 1);
        return m.meanIterations() * code.edges() / code.columns();
    }
}
