package dev.qdistill.security;

import dev.qdistill.security.DetectionCounts.Intensity;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.function.ToLongFunction;

/**
 * The decoy bounds a second time, written from the formulas alone in decimal numbers of 60 digits with series for the
 * exponential and the logarithm; for counts inside the domain.
 */
final class ReferenceBounds {
    private static final MathContext MC = new MathContext(60, RoundingMode.HALF_EVEN);
    private static final BigDecimal ONE = BigDecimal.ONE;
    private static final BigDecimal TWO = BigDecimal.TWO;

    private ReferenceBounds() {}

    /** The length before it is rounded down. */
    record Result(
            BigDecimal s0, BigDecimal s1Key, BigDecimal s1Test, BigDecimal v, BigDecimal phi, BigDecimal length) {}

    static Result twoDecoy(DetectionCounts c, double leak, EpsilonBudget budget) {
        BigDecimal events = big(21);
        Intensity i1 = c.intensities().get(0);
        Intensity i2 = c.intensities().get(1);
        Intensity i3 = c.intensities().get(2);
        BigDecimal s0Key = s0Two(c, i2, i3, Intensity::keyDetections, events, budget);
        BigDecimal s1Key = s1Two(c, i1, i2, i3, Intensity::keyDetections, events, budget);
        BigDecimal s1Test = s1Two(c, i1, i2, i3, Intensity::testDetections, events, budget);
        BigDecimal v = tau(c, 1)
                .multiply(bounded(c, i2, Intensity::testErrors, +1, events, budget)
                        .subtract(bounded(c, i3, Intensity::testErrors, -1, events, budget)))
                .divide(mean(i2).subtract(mean(i3)), MC);
        return finish(s0Key, s1Key, s1Test, v, events, leak, budget);
    }

    static Result oneDecoy(DetectionCounts c, double leak, EpsilonBudget budget) {
        BigDecimal events = big(19);
        Intensity i1 = c.intensities().get(0);
        Intensity i2 = c.intensities().get(1);
        BigDecimal difference = mean(i1).subtract(mean(i2));
        BigDecimal s0Key = tau(c, 0)
                .divide(difference, MC)
                .multiply(mean(i1).multiply(bounded(c, i2, Intensity::keyDetections, -1, events, budget))
                        .subtract(mean(i2).multiply(bounded(c, i1, Intensity::keyDetections, +1, events, budget))))
                .max(BigDecimal.ZERO);
        BigDecimal s1Key = s1One(c, i1, i2, Intensity::keyDetections, Intensity::keyErrors, events, budget);
        BigDecimal s1Test = s1One(c, i1, i2, Intensity::testDetections, Intensity::testErrors, events, budget);
        BigDecimal v = tau(c, 1)
                .multiply(bounded(c, i1, Intensity::testErrors, +1, events, budget)
                        .subtract(bounded(c, i2, Intensity::testErrors, -1, events, budget)))
                .divide(difference, MC);
        return finish(s0Key, s1Key, s1Test, v, events, leak, budget);
    }

    private static BigDecimal s0Two(
            DetectionCounts c,
            Intensity i2,
            Intensity i3,
            ToLongFunction<Intensity> n,
            BigDecimal events,
            EpsilonBudget budget) {
        return tau(c, 0)
                .multiply(mean(i2).multiply(bounded(c, i3, n, -1, events, budget))
                        .subtract(mean(i3).multiply(bounded(c, i2, n, +1, events, budget))))
                .divide(mean(i2).subtract(mean(i3)), MC)
                .max(BigDecimal.ZERO);
    }

    private static BigDecimal s1Two(
            DetectionCounts c,
            Intensity i1,
            Intensity i2,
            Intensity i3,
            ToLongFunction<Intensity> n,
            BigDecimal events,
            EpsilonBudget budget) {
        BigDecimal squares = mean(i2).pow(2).subtract(mean(i3).pow(2));
        BigDecimal inner = bounded(c, i1, n, +1, events, budget)
                .subtract(s0Two(c, i2, i3, n, events, budget).divide(tau(c, 0), MC));
        BigDecimal bracket = bounded(c, i2, n, -1, events, budget)
                .subtract(bounded(c, i3, n, +1, events, budget))
                .subtract(squares.divide(mean(i1).pow(2), MC).multiply(inner));
        BigDecimal denominator = mean(i1).multiply(mean(i2).subtract(mean(i3))).subtract(squares);
        return tau(c, 1).multiply(mean(i1)).multiply(bracket).divide(denominator, MC);
    }

    private static BigDecimal s1One(
            DetectionCounts c,
            Intensity i1,
            Intensity i2,
            ToLongFunction<Intensity> n,
            ToLongFunction<Intensity> m,
            BigDecimal events,
            EpsilonBudget budget) {
        BigDecimal s0Up = TWO.multiply(
                tau(c, 0).multiply(bounded(c, i2, m, +1, events, budget)).add(deviation(c, n, events, budget)));
        BigDecimal mu1 = mean(i1);
        BigDecimal mu2 = mean(i2);
        BigDecimal bracket = bounded(c, i2, n, -1, events, budget)
                .subtract(mu2.divide(mu1, MC).pow(2).multiply(bounded(c, i1, n, +1, events, budget)))
                .subtract(mu1.pow(2).subtract(mu2.pow(2)).divide(mu1.pow(2), MC).multiply(s0Up.divide(tau(c, 0), MC)));
        return tau(c, 1)
                .multiply(mu1)
                .divide(mu2.multiply(mu1.subtract(mu2)), MC)
                .multiply(bracket);
    }

    private static Result finish(
            BigDecimal s0,
            BigDecimal s1Key,
            BigDecimal s1Test,
            BigDecimal v,
            BigDecimal events,
            double leak,
            EpsilonBudget budget) {
        BigDecimal b = v.divide(s1Test, MC);
        BigDecimal x = ONE.subtract(b).multiply(b);
        BigDecimal sizes = s1Key.add(s1Test).divide(s1Key.multiply(s1Test), MC);
        BigDecimal epsilon = big(budget.epsilonSecrecy());
        BigDecimal argument =
                sizes.divide(x, MC).multiply(events.divide(epsilon, MC).pow(2));
        BigDecimal phi = b.add(
                sizes.multiply(x).divide(ln(TWO), MC).multiply(log2(argument)).sqrt(MC));
        BigDecimal h = phi.multiply(log2(phi))
                .add(ONE.subtract(phi).multiply(log2(ONE.subtract(phi))))
                .negate();
        BigDecimal length = s0.add(s1Key.multiply(ONE.subtract(h)))
                .subtract(big(leak))
                .subtract(big(6).multiply(log2(events.divide(epsilon, MC))))
                .subtract(log2(TWO.divide(big(budget.epsilonCorrectness()), MC)));
        return new Result(s0, s1Key, s1Test, v, phi, length);
    }

    private static BigDecimal bounded(
            DetectionCounts c,
            Intensity k,
            ToLongFunction<Intensity> count,
            int sign,
            BigDecimal events,
            EpsilonBudget budget) {
        BigDecimal d = deviation(c, count, events, budget).multiply(big(sign));
        return exp(mean(k))
                .divide(big(k.probability()), MC)
                .multiply(BigDecimal.valueOf(count.applyAsLong(k)).add(d));
    }

    private static BigDecimal deviation(
            DetectionCounts c, ToLongFunction<Intensity> count, BigDecimal events, EpsilonBudget budget) {
        BigDecimal total =
                BigDecimal.valueOf(c.intensities().stream().mapToLong(count).sum());
        return total.divide(TWO, MC)
                .multiply(ln(events.divide(big(budget.epsilonSecrecy()), MC)))
                .sqrt(MC);
    }

    private static BigDecimal tau(DetectionCounts c, int photons) {
        return c.intensities().stream()
                .map(k -> big(k.probability()).multiply(exp(mean(k).negate())).multiply(mean(k).pow(photons)))
                .reduce(BigDecimal.ZERO, BigDecimal::add)
                .round(MC);
    }

    private static BigDecimal mean(Intensity k) {
        return big(k.mean());
    }

    private static BigDecimal big(double x) {
        return new BigDecimal(x);
    }

    // e^x by its series at x/1024, squared ten times.
    private static BigDecimal exp(BigDecimal x) {
        BigDecimal y = x.divide(big(1024), MC);
        BigDecimal sum = ONE;
        BigDecimal term = ONE;
        for (int n = 1; n < 40; n++) {
            term = term.multiply(y).divide(big(n), MC);
            sum = sum.add(term);
        }
        for (int i = 0; i < 10; i++) {
            sum = sum.multiply(sum, MC);
        }
        return sum;
    }

    // ln x = 2 artanh((x-1)/(x+1)) after x was brought near 1 by powers of two.
    private static BigDecimal ln(BigDecimal x) {
        int twos = 0;
        BigDecimal y = x;
        while (y.compareTo(big(1.5)) > 0) {
            y = y.divide(TWO, MC);
            twos++;
        }
        while (y.compareTo(big(0.75)) < 0) {
            y = y.multiply(TWO);
            twos--;
        }
        BigDecimal sum = artanhTwice(y);
        return twos == 0 ? sum : sum.add(artanhTwice(TWO).multiply(big(twos)));
    }

    private static BigDecimal artanhTwice(BigDecimal y) {
        BigDecimal z = y.subtract(ONE).divide(y.add(ONE), MC);
        BigDecimal square = z.multiply(z, MC);
        BigDecimal power = z;
        BigDecimal sum = z;
        for (int n = 3; n < 140; n += 2) {
            power = power.multiply(square, MC);
            sum = sum.add(power.divide(big(n), MC));
        }
        return sum.multiply(TWO);
    }

    private static BigDecimal log2(BigDecimal x) {
        return ln(x).divide(ln(TWO), MC);
    }
}
