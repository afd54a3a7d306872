package dev.qdistill.ldpc;

import java.util.Arrays;

/**
 * Density evolution (Richardson, Urbanke 2001) for the decoder that runs: messages of 8 bits, φ sums of 8 bits, clipping. It
 * follows the distribution of the messages of an infinite, cycle-free code on a binary symmetric channel through flooding
 * iterations (a layered decoder needs about half as many), and reads the best table of each iteration from it: the message for
 * a check node result is the log-likelihood ratio of that result.
 *
 * <p>Distributions are those of the messages for a bit without error: index v of an array, modulo its length, holds the
 * probability of message v. The length is the power of two that holds every sum of messages.
 */
final class DensityEvolution {
    /** Below this message error rate a run counts as converged. */
    private static final double CONVERGED = 2e-4;

    private static final double TABLES_CONVERGED = 1e-7;

    /** Weight of what belief propagation would say about a check node result, as a probability of that result. */
    private static final double RARE = 1e-8;

    private final UpdateRule rule;
    private final int unitsPerNat;
    private final int phiResolution;
    private final int clip;
    private final byte[] phi;
    private int n;
    private Fourier fourier = new Fourier(2);
    private double[] extrinsic = new double[0];
    private double[] real = new double[0];
    private double[] imaginary = new double[0];
    private double[] powerReal = new double[0];
    private double[] powerImaginary = new double[0];
    private double[] sumReal = new double[0];
    private double[] sumImaginary = new double[0];
    // Check node results: probability that the sign is right and that it is wrong.
    private final double[] right = new double[DecoderTables.SIZE];
    private final double[] wrong = new double[DecoderTables.SIZE];
    private final byte[] table = new byte[DecoderTables.SIZE];

    /**
     * Density evolution of one rule and arithmetic.
     *
     * @param rule update rule
     * @param unitsPerNat message units a nat
     * @param phiResolution φ units a nat
     * @param clip largest message magnitude, 1 to 127
     */
    DensityEvolution(UpdateRule rule, int unitsPerNat, int phiResolution, int clip) {
        this.rule = rule;
        this.unitsPerNat = unitsPerNat;
        this.phiResolution = phiResolution;
        this.clip = clip;
        phi = DecoderTables.phi(unitsPerNat, phiResolution);
    }

    /**
     * The number of flooding iterations to a message error rate of {@value #CONVERGED}.
     *
     * @return a fractional number of iterations; beyond {@code maxIterations} if it takes more, the more the further it is
     */
    double iterations(DegreeDistribution degrees, double rate, double qber, int maxIterations) {
        return run(degrees, rate, qber, maxIterations, CONVERGED, null);
    }

    /**
     * The lowest f = (1 - R) / h(Q) at which {@code maxIterations} flooding iterations suffice, to half a per cent; 2 if there is
     * none. Searched from below: 8-bit tables make a few values above it fail.
     */
    double threshold(DegreeDistribution degrees, double rate, int maxIterations) {
        for (double f = 1.01; f < 2; f += .005) {
            double q = QuasiCyclicCode.inverseBinaryEntropy((1 - rate) / f);
            if (iterations(degrees, rate, q, maxIterations) <= maxIterations) {
                return f;
            }
        }
        return 2;
    }

    /** The tables for the decoder states, from a run at {@code qber}, which should be just below the threshold. */
    byte[][] tables(DegreeDistribution degrees, double rate, double qber) {
        Trajectory t = new Trajectory();
        run(degrees, rate, qber, 800, TABLES_CONVERGED, t);
        byte[][] result = new byte[DecoderTables.STATES][];
        for (int s = 0; s < DecoderTables.STATES - 1; s++) {
            int best = 0;
            double bestDistance = Double.MAX_VALUE;
            for (int i = 0; i < t.count; i++) {
                double distance = Math.abs(31 * Math.sqrt(2 * t.unsatisfied[i]) - (s + .5));
                if (distance < bestDistance) {
                    bestDistance = distance;
                    best = i;
                }
            }
            result[s] = t.tables[best].clone();
        }
        result[DecoderTables.FIRST] = t.tables[0].clone();
        return result;
    }

    private static final class Trajectory {
        int count;
        final double[] unsatisfied = new double[1000];
        final byte[][] tables = new byte[1000][];
    }

    private double run(
            DegreeDistribution degrees,
            double rate,
            double qber,
            int maxIterations,
            double target,
            @org.jspecify.annotations.Nullable Trajectory trajectory) {
        double checkDegree = degrees.averageDegree() / (1 - rate);
        int low = (int) Math.floor(checkDegree);
        double edgesAtHigh = (checkDegree - low) * (low + 1) / checkDegree;
        int prior = (int) Math.min(120, Math.max(1, Math.round(unitsPerNat * Math.log((1 - qber) / qber))));
        resize(degrees.maxDegree());
        Arrays.fill(extrinsic, 0);
        extrinsic[prior] = 1 - qber;
        extrinsic[n - prior] = qber;
        double before = qber;
        double error = qber;
        for (int i = 0; i < maxIterations; i++) {
            double unsatisfied = (1 - Math.pow(Math.max(0, 1 - 2 * error), checkDegree)) / 2;
            if (rule == UpdateRule.PHI) {
                sumOfPhi(low, edgesAtHigh);
            } else {
                minimum(low, edgesAtHigh);
            }
            fillTable();
            if (trajectory != null && trajectory.count < trajectory.tables.length) {
                trajectory.unsatisfied[trajectory.count] = unsatisfied;
                trajectory.tables[trajectory.count++] = table.clone();
            }
            variableNodes(degrees);
            double now = addChannel(prior, qber);
            if (now < target) {
                // Between two iterations, so that an optimiser sees a slope.
                return i + 1 - Math.max(0, Math.min(1, Math.log(target / now) / Math.log(error / now)));
            }
            error = now;
            if (i % 5 == 4) {
                if (i > 20 && error > before * (1 - 1e-4)) {
                    return maxIterations + 1 + 1000 * error;
                }
                before = error;
            }
        }
        return maxIterations + 1 + 1000 * error;
    }

    private void resize(int maxDegree) {
        int log = 32 - Integer.numberOfLeadingZeros(2 * (maxDegree - 1) * clip + 1);
        if (n != 1 << log) {
            n = 1 << log;
            fourier = new Fourier(log);
            extrinsic = new double[n];
            real = new double[n];
            imaginary = new double[n];
            powerReal = new double[n];
            powerImaginary = new double[n];
            sumReal = new double[n];
            sumImaginary = new double[n];
        }
    }

    // right/wrong by half the sum of φ over low - 1 or low edges; beyond 8 bits in the last entry.
    private void sumOfPhi(int low, double edgesAtHigh) {
        double[] plus = new double[256];
        double[] minus = new double[256];
        double bias = 0;
        for (int v = -127; v <= 127; v++) {
            double p = extrinsic[v & n - 1];
            int f = phi[Math.abs(v)] & 255;
            plus[f] += p;
            minus[f] += v > 0 ? p : v < 0 ? -p : 0;
            bias += v > 0 ? p : v < 0 ? -p : 0;
        }
        double[] a = power(plus, low - 1);
        double[] b = power(minus, low - 1);
        double[] a2 = multiply(a, plus);
        double[] b2 = multiply(b, minus);
        Arrays.fill(right, 0);
        Arrays.fill(wrong, 0);
        double sum = 0;
        double signed = 0;
        for (int i = 0; i < 256; i++) {
            double all = Math.max(0, (1 - edgesAtHigh) * a[i] + edgesAtHigh * a2[i]);
            double difference = (1 - edgesAtHigh) * b[i] + edgesAtHigh * b2[i];
            double w = Math.max(0, (all - difference) / 2);
            if (i < 255) {
                sum += all;
                signed += difference;
                right[i >> 1] += all - w;
                wrong[i >> 1] += w;
            }
        }
        double signs = (1 - edgesAtHigh) * Math.pow(Math.max(0, bias), low - 1)
                + edgesAtHigh * Math.pow(Math.max(0, bias), low);
        double rest = Math.max(0, 1 - sum);
        double restSigned = Math.min(rest, Math.max(0, signs - signed));
        right[127] += (rest + restSigned) / 2;
        wrong[127] += (rest - restSigned) / 2;
    }

    // Powers of a power series modulo x^256.
    private static double[] power(double[] base, int exponent) {
        double[] result = new double[256];
        result[0] = 1;
        double[] square = base.clone();
        for (int e = exponent; e > 0; e >>= 1) {
            if ((e & 1) != 0) {
                result = multiply(result, square);
            }
            if (e > 1) {
                square = multiply(square, square);
            }
        }
        return result;
    }

    private static double[] multiply(double[] a, double[] b) {
        double[] c = new double[256];
        for (int i = 0; i < 256; i++) {
            double x = a[i];
            if (Math.abs(x) < 1e-30) {
                continue;
            }
            for (int j = 0; j < 256 - i; j++) {
                c[i + j] += x * b[j];
            }
        }
        return c;
    }

    // right/wrong by the minimum over low - 1 or low edges: P(all >= k) - P(all >= k + 1), and the same for the mean
    // sign.
    private void minimum(int low, double edgesAtHigh) {
        double tail = 1 - extrinsic[0];
        double signed = 0;
        for (int v = 1; v <= 127; v++) {
            signed += extrinsic[v] - extrinsic[n - v];
        }
        right[0] = (1 - mixedPower(tail, low, edgesAtHigh)) / 2;
        wrong[0] = right[0];
        for (int k = 1; k <= 127; k++) {
            double all = mixedPower(tail, low, edgesAtHigh);
            double sign = mixedPower(signed, low, edgesAtHigh);
            tail -= extrinsic[k] + extrinsic[n - k];
            signed -= extrinsic[k] - extrinsic[n - k];
            if (k < 127) {
                all -= mixedPower(tail, low, edgesAtHigh);
                sign -= mixedPower(signed, low, edgesAtHigh);
            }
            wrong[k] = Math.max(0, (all - sign) / 2);
            right[k] = Math.max(0, all - wrong[k]);
        }
    }

    private static double mixedPower(double x, int low, double edgesAtHigh) {
        double y = Math.max(0, x);
        return (1 - edgesAtHigh) * Math.pow(y, low - 1) + edgesAtHigh * Math.pow(y, low);
    }

    // The log-likelihood ratio of each result, monotonic: neighbours in the wrong order are pooled. Results too rare to
    // tell get
    // that of belief propagation.
    private void fillTable() {
        int size = DecoderTables.SIZE;
        double[] poolRight = new double[size];
        double[] poolWrong = new double[size];
        int[] poolCount = new int[size];
        int pools = 0;
        for (int i = 0; i < size; i++) {
            int k = rule == UpdateRule.PHI ? size - 1 - i : i;
            double assumed = rule == UpdateRule.PHI
                    ? unitsPerNat * DecoderTables.phiOf(Math.max(2 * k + .5, .3) / phiResolution)
                    : .7 * k;
            double odds = Math.exp(assumed / unitsPerNat);
            poolRight[pools] = right[k] + RARE * odds / (1 + odds);
            poolWrong[pools] = wrong[k] + RARE / (1 + odds);
            poolCount[pools++] = 1;
            while (pools > 1
                    && poolRight[pools - 2] * poolWrong[pools - 1] > poolRight[pools - 1] * poolWrong[pools - 2]) {
                pools--;
                poolRight[pools - 1] += poolRight[pools];
                poolWrong[pools - 1] += poolWrong[pools];
                poolCount[pools - 1] += poolCount[pools];
            }
        }
        int i = 0;
        for (int p = 0; p < pools; p++) {
            double ratio = Math.max(1, poolRight[p] / poolWrong[p]);
            byte value = (byte) Math.min(clip, Math.floor(unitsPerNat * Math.log(ratio) + .5));
            for (int c = 0; c < poolCount[p]; c++, i++) {
                table[rule == UpdateRule.PHI ? size - 1 - i : i] = value;
            }
        }
    }

    // λ applied to the distribution of the check nodes' messages, by its Fourier transform; the result in `real`.
    private void variableNodes(DegreeDistribution degrees) {
        Arrays.fill(real, 0);
        Arrays.fill(imaginary, 0);
        double sum = 0;
        for (int k = 0; k < DecoderTables.SIZE; k++) {
            real[table[k]] += right[k];
            real[-table[k] & n - 1] += wrong[k];
            sum += right[k] + wrong[k];
        }
        real[0] += Math.max(0, 1 - sum);
        fourier.forward(real, imaginary);
        Arrays.fill(powerReal, 1);
        Arrays.fill(powerImaginary, 0);
        Arrays.fill(sumReal, 0);
        Arrays.fill(sumImaginary, 0);
        int at = 1;
        for (int i = 0; i < degrees.size(); i++) {
            for (; at < degrees.degree(i); at++) {
                for (int k = 0; k < n; k++) {
                    double r = powerReal[k] * real[k] - powerImaginary[k] * imaginary[k];
                    powerImaginary[k] = powerReal[k] * imaginary[k] + powerImaginary[k] * real[k];
                    powerReal[k] = r;
                }
            }
            double f = degrees.fraction(i);
            for (int k = 0; k < n; k++) {
                sumReal[k] += f * powerReal[k];
                sumImaginary[k] += f * powerImaginary[k];
            }
        }
        fourier.inverse(sumReal, sumImaginary);
    }

    // Adds the channel's message, saturates; returns the message error rate.
    private double addChannel(int prior, double qber) {
        Arrays.fill(extrinsic, 0);
        for (int v = -n / 2; v < n / 2; v++) {
            double p = sumReal[v & n - 1];
            if (p > 1e-20) {
                extrinsic[Math.max(-127, Math.min(127, v + prior)) & n - 1] += p * (1 - qber);
                extrinsic[Math.max(-127, Math.min(127, v - prior)) & n - 1] += p * qber;
            }
        }
        double error = extrinsic[0] / 2;
        for (int v = 1; v <= 127; v++) {
            error += extrinsic[n - v];
        }
        return error;
    }

    /** A discrete Fourier transform of a fixed length; the order of the spectrum is its own. */
    private static final class Fourier {
        private final int n;
        private final double[] cos;
        private final double[] sin;

        Fourier(int log) {
            n = 1 << log;
            cos = new double[n / 2];
            sin = new double[n / 2];
            for (int i = 0; i < n / 2; i++) {
                cos[i] = Math.cos(2 * Math.PI * i / n);
                sin[i] = -Math.sin(2 * Math.PI * i / n);
            }
        }

        void forward(double[] re, double[] im) {
            for (int h = n / 2; h >= 1; h /= 2) {
                int step = n / (2 * h);
                for (int b = 0; b < n; b += 2 * h) {
                    for (int i = 0; i < h; i++) {
                        int p = b + i;
                        int q = p + h;
                        double dr = re[p] - re[q];
                        double di = im[p] - im[q];
                        re[p] += re[q];
                        im[p] += im[q];
                        re[q] = dr * cos[i * step] - di * sin[i * step];
                        im[q] = dr * sin[i * step] + di * cos[i * step];
                    }
                }
            }
        }

        void inverse(double[] re, double[] im) {
            for (int h = 1; h < n; h *= 2) {
                int step = n / (2 * h);
                for (int b = 0; b < n; b += 2 * h) {
                    for (int i = 0; i < h; i++) {
                        int p = b + i;
                        int q = p + h;
                        double yr = re[q] * cos[i * step] + im[q] * sin[i * step];
                        double yi = im[q] * cos[i * step] - re[q] * sin[i * step];
                        re[q] = re[p] - yr;
                        im[q] = im[p] - yi;
                        re[p] += yr;
                        im[p] += yi;
                    }
                }
            }
            for (int i = 0; i < n; i++) {
                re[i] /= n;
                im[i] /= n;
            }
        }
    }
}
