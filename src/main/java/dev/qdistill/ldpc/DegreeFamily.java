package dev.qdistill.ldpc;

import java.util.List;

/**
 * Degree distributions for all rates: between optimised ones the edge fractions are interpolated.
 *
 * @param rates ascending
 * @param distributions edge fractions for each of them, found by {@link DegreeOptimizer}
 */
record DegreeFamily(List<Double> rates, List<DegreeDistribution> distributions) {
    private static final DegreeFamily EFFICIENT = new DegreeFamily(
            List.of(.4, .45, .5, .6, .7, .8, .9, .95, .97),
            List.of(
                    DegreeDistribution.parse("2:.1382,3:.3881,11:.2872,15:.0073,20:.0092,27:.1570,36:.0128"),
                    DegreeDistribution.parse(
                            "2:.1176,3:.3711,4:.0046,6:.0014,8:.0130,11:.2127,15:.0484,20:.0237,27:.1973,36:.0103"),
                    DegreeDistribution.parse("2:.1162,3:.2948,6:.0359,8:.0034,11:.2606,36:.2845"),
                    DegreeDistribution.parse("2:.1110,3:.2189,6:.0100,8:.1643,11:.1176,15:.0084,20:.0455,46:.3239"),
                    DegreeDistribution.parse(
                            "2:.0904,3:.1978,4:.0055,5:.0282,6:.0220,8:.0516,11:.2435,15:.0063,27:.0080,46:.3467"),
                    DegreeDistribution.parse(
                            "2:.0578,3:.2291,5:.0102,6:.0023,8:.1837,11:.0780,15:.0749,20:.0023,27:.0112,36:.3485"),
                    DegreeDistribution.parse("2:.0245,3:.2145,4:.0020,8:.2007,11:.1382,36:.4199"),
                    DegreeDistribution.parse("2:.0109,3:.2024,4:.0028,6:.0116,8:.1310,11:.2411,36:.3673,46:.0300"),
                    DegreeDistribution.parse("3:.1856,8:.2080,11:.1674,36:.4391")));

    private static final DegreeFamily FAST = new DegreeFamily(
            List.of(.4, .5, .6, .7, .8, .85, .9, .95, .97),
            List.of(
                    DegreeDistribution.parse("2:.1643,3:.4368,4:.0021,11:.3373,15:.0594"),
                    DegreeDistribution.parse("2:.1203,3:.3969,6:.0077,11:.2092,15:.2279,20:.0380"),
                    DegreeDistribution.parse("2:.0943,3:.3733,4:.0054,6:.0057,11:.2053,15:.2723,20:.0437"),
                    DegreeDistribution.parse("2:.0733,3:.3078,6:.0488,8:.0886,11:.1413,15:.0035,20:.2607,27:.0761"),
                    DegreeDistribution.parse("2:.0546,3:.2547,6:.0083,8:.2739,15:.0221,20:.0632,27:.3233"),
                    DegreeDistribution.parse(
                            "2:.0415,3:.2522,4:.0023,5:.0017,6:.0190,8:.2194,11:.0780,15:.0466,27:.3391"),
                    DegreeDistribution.parse("2:.0242,3:.2379,5:.0037,8:.2859,11:.0152,15:.0415,20:.0232,27:.3684"),
                    DegreeDistribution.parse("2:.0109,3:.2045,8:.3226,11:.0156,27:.4465"),
                    DegreeDistribution.parse("2:.0061,3:.1821,6:.0010,8:.3447,11:.0034,27:.4625")));

    DegreeFamily {
        rates = List.copyOf(rates);
        distributions = List.copyOf(distributions);
    }

    /** The distributions that need the least work ({@link Profile#FAST}) or the least leakage. */
    static DegreeFamily of(Profile profile) {
        return profile == Profile.FAST ? FAST : EFFICIENT;
    }

    /** The distribution for a rate; that of the nearest rate outside the range. */
    DegreeDistribution at(double rate) {
        int i = 0;
        while (i < rates.size() - 2 && rate > rates.get(i + 1)) {
            i++;
        }
        double t = Math.max(0, Math.min(1, (rate - rates.get(i)) / (rates.get(i + 1) - rates.get(i))));
        return distributions.get(i).mixedWith(distributions.get(i + 1), t);
    }
}
