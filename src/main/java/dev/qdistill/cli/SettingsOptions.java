package dev.qdistill.cli;

import dev.qdistill.accel.Backend;
import dev.qdistill.link.CodeChoice;
import dev.qdistill.link.Settings;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What an operator chooses for the blocks of dumps: the options that commands over dumps share. */
public final class SettingsOptions {
    @Option(
            names = "--epsilon-secrecy",
            paramLabel = "E",
            description = "how far a block's key may be from a secret one; default: ${DEFAULT-VALUE}")
    private double epsilonSecrecy = Settings.DEFAULT.epsilonSecrecy();

    @Option(
            names = "--epsilon-correctness",
            paramLabel = "E",
            description = "chance that a block's keys differ unnoticed, at most; default: ${DEFAULT-VALUE}")
    private double epsilonCorrectness = Settings.DEFAULT.epsilonCorrectness();

    @Option(
            names = "--block-pulses",
            paramLabel = "N",
            description = "pulses of a block, fixed beforehand; default: the whole session is one block")
    private @Nullable Long blockPulses;

    @Option(
            names = "--max-qber",
            paramLabel = "Q",
            description = "a higher key-basis error rate gives no key; default: ${DEFAULT-VALUE}")
    private double maximumQber = Settings.DEFAULT.maximumQber();

    @Option(
            names = "--unequal-basis-tolerance",
            paramLabel = "T",
            description = "unequal bases must give 1/2 ± T errors for each state; default: ${DEFAULT-VALUE}")
    private double unequalBasisTolerance = Settings.DEFAULT.unequalBasisTolerance();

    @Mixin
    private ProfileOptions codes = new ProfileOptions();

    /** The defaults. */
    public SettingsOptions() {}

    /**
     * The settings of a pair: its own, and else the command's.
     *
     * @param backend that decodes, and
     * @param threads how many there are, for the automatic choice of codes
     * @throws IllegalArgumentException if a value is out of range
     */
    public Settings settings(BatchManifest.Line own, Backend backend, int threads) {
        CodeChoice choice = codes.choice(own.profile(), own.frameBits(), own.siftedRate(), backend, threads);
        Long pulses = own.blockPulses() == null ? blockPulses : own.blockPulses();
        return new Settings(
                or(own.epsilonSecrecy(), epsilonSecrecy),
                or(own.epsilonCorrectness(), epsilonCorrectness),
                pulses == null ? Long.MAX_VALUE : pulses,
                or(own.maximumQber(), maximumQber),
                or(own.unequalBasisTolerance(), unequalBasisTolerance),
                choice.profile(),
                choice.frameBits());
    }

    private static double or(@Nullable Double own, double all) {
        return own == null ? all : own;
    }
}
