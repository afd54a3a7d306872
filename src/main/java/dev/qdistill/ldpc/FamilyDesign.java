package dev.qdistill.ldpc;

import dev.qdistill.accel.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Designs the codes of one frame length for one profile: degree distributions interpolated between optimised ones, tables by density evolution,
 * base matrix by {@link CodeConstruction}, operating points by simulation. Deterministic from the seed.
 */
public final class FamilyDesign {
    /** The seed that the shipped codes were designed with. */
    public static final long SHIPPED_SEED = 1;

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

    /** How near to each other the bounds of an operating point come, as a share of f - 1. */
    private static final double RESOLUTION = .05;

    /** The same for frames shorter than 2^16 bits, whose f - 1 is large; with it their best matrix is chosen. */
    private static final double SHORT_RESOLUTION = .0125;

    /** First attempts of long frames that may fail, since a few more rows of syndrome mend them. */
    private static final double LONG_FAILURES = .03;

    /** Largest message of long codes, and that from rate .68 up; larger ones make them oscillate near the end. */
    private static final int LONG_CLIP = 44;

    private static final int LONG_CLIP_HIGH_RATE = 46;
    private static final int LONG_PHI_RESOLUTION = 96;

    /** Matrices tried, and the frames each of them decodes. */
    private static final int LONG_MATRICES = 3;

    private static final int LONG_TRIAL = 4;

    /** Edge updates a bit of long frames on average. */
    private static final double LONG_WORK = 430;

    private static final int THRESHOLD_ITERATIONS = 300;

    private static final double LARGEST_LEAKAGE = .62;
    private static final double SMALLEST_LEAKAGE = .039;

    /** Seeds beyond the first that a design may take a matrix from. */
    private static final int SEEDS = Math.max(ATTEMPTS, LONG_MATRICES - 1);

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
     * @param frames simulated for a point; 0 for as many as the shipped codes were designed with
     * @param threads that simulate; the codes do not depend on their number
     * @param seed of constructions and simulations; {@value #SHIPPED_SEED} for the shipped codes
     */
    public FamilyDesign(int frameBits, Profile profile, int frames, int threads, long seed) {
        if (Integer.bitCount(frameBits) != 1 || frameBits < 1 << 12 || frameBits > 1 << 20) {
            throw new IllegalArgumentException(
                    "Frame length " + frameBits + "; powers of two from 4096 to 1048576 are supported");
        }
        this.frameBits = frameBits;
        this.profile = profile;
        this.frames = frames > 0 ? frames : usualFrames(frameBits, profile);
        this.threads = threads;
        this.seed = seed;
    }

    private static int usualFrames(int frameBits, Profile profile) {
        if (frameBits < 1 << 16) {
            return 2000;
        }
        boolean longEfficient = profile == Profile.EFFICIENT && frameBits >= 1 << 18;
        return !longEfficient ? 500 : frameBits < 1 << 20 ? 100 : 60;
    }

    /**
     * The seed with which the base matrix and the decoder tables of a code come about, bit for bit. Of several matrices that are
     * tried for a code the best is taken, so it may be a few above that of the design.
     *
     * @return empty if the code is none of this design
     */
    public OptionalLong seedOf(QuasiCyclicCode code) {
        for (double leakage : leakages()) {
            if (syndromeBits(leakage) != code.syndromeBits()) {
                continue;
            }
            DecoderTables tables = null;
            for (long s = seed; s <= seed + SEEDS; s++) {
                QuasiCyclicCode again = design(leakage, s, tables);
                tables = again.tables();
                if (again.with(
                                again.name(),
                                code.operatingQber(Profile.EFFICIENT),
                                code.operatingQber(Profile.FAST),
                                tables)
                        .equals(code)) {
                    return OptionalLong.of(s);
                }
            }
            // Codes of a few rows take the first of several leakages that are rounded to the same.
            return OptionalLong.empty();
        }
        return OptionalLong.empty();
    }

    private int syndromeBits(double leakage) {
        int circulant = circulant(leakage);
        return rows(leakage, circulant) * circulant;
    }

    private int rows(double leakage, int circulant) {
        return Math.max(2, (int) Math.round(leakage * frameBits / circulant));
    }

    /** The leakages 1 - R of the family. */
    public List<Double> leakages() {
        List<Double> result = new ArrayList<>();
        for (double l = LARGEST_LEAKAGE; l > SMALLEST_LEAKAGE; l /= step()) {
            result.add(l);
        }
        return result;
    }

    // Rows of long codes can be split to reach the rates between two of them.
    private double step() {
        if (frameBits < 1 << 16) {
            return STEP;
        }
        if (profile == Profile.FAST) {
            return FAST_STEP;
        }
        return longEfficient() ? FINE_STEP * FINE_STEP : FINE_STEP;
    }

    /**
     * Designs and measures all codes and writes them to a file in {@code directory}, named as the resource is.
     *
     * @return whether the file is that of the shipped codes, byte for byte
     */
    public boolean write(Path directory, Consumer<String> progress) throws IOException {
        Path file = directory.resolve(CodeFamily.fileName(frameBits, profile));
        CodeFamily.write(file, designAll(progress));
        return CodeFamily.isShipped(frameBits, profile, file);
    }

    /** Designs and measures all codes; tells {@code progress} a line about each. */
    public List<QuasiCyclicCode> designAll(Consumer<String> progress) {
        return designAll(leakages(), frameBits < 1 << 14 ? 1.25 : 1.18, progress);
    }

    // From efficiency `first` on; each code's is where the search for that of the next one begins.
    List<QuasiCyclicCode> designAll(List<Double> leakages, double first, Consumer<String> progress) {
        List<QuasiCyclicCode> codes = new ArrayList<>();
        int before = -1;
        double guess = first;
        for (double leakage : leakages) {
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
            if (longEfficient()) {
                guess = longGuess(leakage);
                code = bestOf(code, leakage, guess);
            }
            code = measured(code, guess);
            // Some matrices have an error floor: another seed. Short ones differ most, and cost little.
            double worst = frameBits < 1 << 16 ? 1 : guess + (profile == Profile.FAST ? FAST_TOLERANCE : TOLERANCE);
            for (int attempt = 1; attempt <= ATTEMPTS && !longEfficient() && efficiency(code) > worst; attempt++) {
                QuasiCyclicCode other = measured(design(leakage, seed + attempt, code.tables()), guess);
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

    private double longGuess(double leakage) {
        double f = leakage > .25 ? 1.055 : leakage > .13 ? 1.065 : leakage > .06 ? 1.08 : 1.1;
        return frameBits < 1 << 20 ? f + .015 : f;
    }

    private static double efficiency(QuasiCyclicCode code) {
        return code.efficiency(code.operatingQber(Profile.EFFICIENT));
    }

    /** Builds the code whose leakage is the nearest possible one, its operating points not yet measured. */
    public QuasiCyclicCode design(double leakage) {
        return design(leakage, seed, null);
    }

    private QuasiCyclicCode design(double leakage, long matrixSeed, @Nullable DecoderTables known) {
        int circulant = circulant(leakage);
        int columns = frameBits / circulant;
        int rows = rows(leakage, circulant);
        // The window is well below the number of rows, and above the highest degree.
        boolean coupled = profile == Profile.EFFICIENT && coupled(leakage);
        int window = coupled ? Math.min(rows / 2, window(leakage)) : 0;
        double lead = coupled ? rows * lead(leakage) : 0;
        double designRate = 1 - (rows - lead) / columns;
        double twos = twos(designRate);
        DegreeFamily family = longEfficient() ? DegreeFamily.coupled() : DegreeFamily.of(profile);
        DegreeDistribution degrees =
                capped(family.at(designRate), rows, columns, circulant).withDegreeTwoAtMost(twos * rows / columns);
        // A coupled code converges from one end to the other: on its front it is never near the end.
        DecoderTables tables = known != null
                ? known
                : longEfficient()
                        ? longTables(degrees, designRate)
                        : tables(degrees, designRate).withMinSumBelow(profile == Profile.FAST ? MIN_SUM_BELOW : 0);
        String name = String.format(
                Locale.ROOT, "n%d-m%d%s", frameBits, rows * circulant, profile == Profile.FAST ? "-fast" : "");
        return new CodeConstruction(
                        circulant, rows, columns, degrees, window, lead, chainPairs(leakage, coupled), matrixSeed)
                .build(name, tables);
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

    // Long frames: the same φ resolution at all rates, and messages that outvote runs of wrong columns of degree 2.
    static DecoderTables longTables(DegreeDistribution degrees, double rate) {
        int clip = rate < .68 ? LONG_CLIP : LONG_CLIP_HIGH_RATE;
        DensityEvolution phi = new DensityEvolution(UpdateRule.PHI, UNITS, LONG_PHI_RESOLUTION, clip);
        DensityEvolution minSum = new DensityEvolution(UpdateRule.MIN_SUM, UNITS, LONG_PHI_RESOLUTION, LONG_CLIP);
        byte[][] psi = phi.tables(degrees, rate, justBelowThreshold(phi, degrees, rate));
        for (int s = DecoderTables.FIRST - 2; s >= 0; s--) {
            psi[s][0] = (byte) Math.max(psi[s][0], psi[s + 1][0]);
        }
        return DecoderTables.of(
                UNITS,
                LONG_PHI_RESOLUTION,
                clip,
                psi,
                minSum.tables(degrees, rate, justBelowThreshold(minSum, degrees, rate)));
    }

    private static double justBelowThreshold(DensityEvolution evolution, DegreeDistribution degrees, double rate) {
        double f = 1.035;
        double q = QuasiCyclicCode.inverseBinaryEntropy((1 - rate) / f);
        while (f < 1.4 && evolution.iterations(degrees, rate, q, 150) > 150) {
            f += .02;
            q = QuasiCyclicCode.inverseBinaryEntropy((1 - rate) / f);
        }
        return QuasiCyclicCode.inverseBinaryEntropy((1 - rate) / (f + .005));
    }

    private int window(double leakage) {
        if (!longEfficient()) {
            return frameBits < 1 << 18 ? 40 : leakage > .25 ? 60 : 100;
        }
        if (frameBits < 1 << 20) {
            return leakage > .25 ? 80 : 65;
        }
        // Narrow windows lower the threshold, wide ones the number of iterations.
        return leakage > .36 ? 75 : leakage > .25 ? 65 : leakage > .163 ? 100 : leakage > .13 ? 75 : 60;
    }

    // Rows the coupled chain begins with in excess, as a fraction.
    private double lead(double leakage) {
        if (!longEfficient()) {
            return frameBits < 1 << 20 ? .0085 : leakage > .25 ? .01 : .0145;
        }
        return leakage > .25 ? .01 : leakage > .163 ? .0125 : leakage > .13 ? .01 : .0085;
    }

    // Columns of degree 2 by row. Up to .75 and .83 they form chains of 3 and 5, too short for a run of errors that
    // outvotes its
    // neighbours. At higher rates such runs are rare.
    private double twos(double rate) {
        if (frameBits < 1 << 16) {
            return .75;
        }
        return !longEfficient() ? .83 : Math.clamp(.85 + 5 * (rate - .67), .85, .95);
    }

    // Coupling pays where there are many rows: for long frames and low rates.
    private boolean coupled(double leakage) {
        if (longEfficient()) {
            return leakage > (frameBits < 1 << 20 ? .13 : .07);
        }
        return frameBits >= 1 << 20 ? leakage > .07 : frameBits >= 1 << 16 && leakage > .33;
    }

    // Columns of degree 3 joined by two chains make the error floor of short codes that are not coupled. At high rates
    // most
    // failures are frames with too many errors, and it makes no difference.
    private boolean chainPairs(double leakage, boolean coupled) {
        return frameBits >= 1 << 14 && frameBits < 1 << 18 && !coupled && leakage > .2;
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
        double good = longEfficient() ? operatingEfficiency(code, guess) : guess;
        double bad = 0;
        while (!longEfficient() && !holds(code, good)) {
            bad = good;
            good = 1 + (good - 1) * 1.3;
            if (good > 4) {
                break;
            }
        }
        while (!longEfficient() && bad == 0) {
            double f = 1 + (good - 1) / 1.2;
            if (holds(code, f)) {
                good = f;
            } else {
                bad = f;
            }
        }
        double resolution = frameBits < 1 << 16 ? SHORT_RESOLUTION : RESOLUTION;
        while (!longEfficient() && good - bad > Math.max(.004, resolution * (good - 1))) {
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

    // Where failures are few and the work is little: coarsely with few frames, then with all of them.
    private double operatingEfficiency(QuasiCyclicCode code, double guess) {
        double step = guess > 1.11 ? .016 : .008;
        double f = guess;
        boolean good = suits(code, f, frames / 6);
        while (suits(code, good ? f - step : f + step, frames / 6) == good && f > 1.01 && f < 1.5) {
            f += good ? -step : step;
        }
        f += good ? 0 : step;
        f -= suits(code, f - step / 2, frames / 6) ? step / 2 : 0;
        while (f < 1.5 && !suits(code, f, frames)) {
            f += .0025;
        }
        return f;
    }

    // The matrix that needs the fewest iterations for the same few frames.
    private QuasiCyclicCode bestOf(QuasiCyclicCode first, double leakage, double guess) {
        QuasiCyclicCode best = first;
        double bestIterations = trial(first, guess);
        for (int i = 1; i < LONG_MATRICES; i++) {
            QuasiCyclicCode other = design(leakage, seed + i, first.tables());
            double iterations = trial(other, guess);
            if (iterations < bestIterations) {
                bestIterations = iterations;
                best = other;
            }
        }
        return best;
    }

    private double trial(QuasiCyclicCode code, double f) {
        return CodeMeasurement.measure(
                        code,
                        Backend.AUTO,
                        UpdateRule.PHI,
                        qber(code, f),
                        Profile.EFFICIENT_ITERATIONS,
                        LONG_TRIAL,
                        LONG_TRIAL,
                        threads,
                        seed + 2)
                .meanIterations();
    }

    private boolean suits(QuasiCyclicCode code, double f, int sample) {
        int most = Math.max(1, (int) (sample * LONG_FAILURES));
        CodeMeasurement m = CodeMeasurement.measure(
                code,
                Backend.AUTO,
                UpdateRule.PHI,
                qber(code, f),
                Profile.EFFICIENT_ITERATIONS,
                sample,
                most,
                threads,
                seed);
        return m.failures() + m.undetected() <= most && m.meanIterations() * code.edges() / code.columns() <= LONG_WORK;
    }

    private boolean longEfficient() {
        return profile == Profile.EFFICIENT && frameBits >= 1 << 18;
    }

    /**
     * The lowest f at which {@value #THRESHOLD_ITERATIONS} flooding iterations of our decoder decode an infinite, cycle-free and
     * uncoupled code of these degrees, to half a per cent.
     */
    public static double threshold(QuasiCyclicCode code) {
        return new DensityEvolution(
                        UpdateRule.PHI,
                        code.tables().unitsPerNat(),
                        code.tables().phiResolution(),
                        CLIP)
                .threshold(code.degreeDistribution(), code.rate(), THRESHOLD_ITERATIONS);
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
                /* frames= */ longEfficient() ? 3 : Math.max(4, frames / 16),
                /* maxFailures= */ frames,
                threads,
                seed + 1);
        // Hopeless frames are given up after a few iterations: that is no little work.
        return 2 * m.failures() > m.frames() ? Double.MAX_VALUE : m.meanIterations() * code.edges() / code.columns();
    }
}
