package dev.qdistill.cli;

import dev.qdistill.accel.Backend;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.SyndromeDecoder;
import dev.qdistill.link.CodeChoice;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the error-correcting codes are chosen for: the options that commands with a pipeline share. */
public final class ProfileOptions {
    /** The values of {@code --profile}. */
    public enum Name {
        /** The most key a second. */
        FAST,
        /** The least leakage. */
        EFFICIENT,
        /** The most efficient that keeps up with the link. */
        AUTO
    }

    @Option(
            names = "--profile",
            paramLabel = "NAME",
            description =
                    "what the error-correcting codes are chosen for: fast, efficient (less leakage), or auto: the most"
                            + " efficient that keeps up with --sifted-rate; default: fast")
    private Name profile = Name.FAST;

    @Option(
            names = "--frame-bits",
            paramLabel = "N",
            description = "the longest LDPC frame, 4096 or more; default: 262144, for efficient 1048576")
    private @Nullable Integer frameBits;

    @Option(
            names = "--sifted-rate",
            paramLabel = "MBPS",
            description = "key-basis bits of the link in Mb/s, for --profile auto; default: 0, nothing to keep up with")
    private double siftedRate;

    /**
     * The choice.
     *
     * @throws IllegalArgumentException if the rate is negative
     */
    CodeChoice choice(Backend backend, int threads) {
        return choice(null, null, null, backend, threads);
    }

    /**
     * The choice for one pair of a batch.
     *
     * @param ownProfile in place of {@code --profile}
     * @param ownFrameBits in place of {@code --frame-bits}
     * @param ownRate in place of {@code --sifted-rate}
     * @throws IllegalArgumentException if the rate is negative
     */
    CodeChoice choice(
            @Nullable Name ownProfile,
            @Nullable Integer ownFrameBits,
            @Nullable Double ownRate,
            Backend backend,
            int threads) {
        double rate = ownRate == null ? siftedRate : ownRate;
        if (!(rate >= 0)) {
            throw new IllegalArgumentException("--sifted-rate is " + rate + "; zero or more is needed");
        }
        CodeChoice choice = switch (ownProfile == null ? profile : ownProfile) {
            case FAST -> CodeChoice.of(Profile.FAST);
            case EFFICIENT -> CodeChoice.of(Profile.EFFICIENT);
            case AUTO -> CodeChoice.keepingUpWith(rate * 1e6, threads, decoder(backend));
        };
        Integer bits = ownFrameBits == null ? frameBits : ownFrameBits;
        return bits == null ? choice : new CodeChoice(choice.profile(), bits);
    }

    private static Backend decoder(Backend backend) {
        CodeFamily codes = CodeFamily.shipped();
        String any = codes.codes(codes.frameLengths().getFirst()).getFirst().name();
        try (SyndromeDecoder decoder = SyndromeDecoder.create(codes.code(any), backend.onCpu())) {
            return decoder.backend();
        }
    }
}
