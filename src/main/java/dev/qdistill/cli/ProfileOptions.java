package dev.qdistill.cli;

import dev.qdistill.accel.Backend;
import dev.qdistill.ldpc.CodeFamily;
import dev.qdistill.ldpc.Profile;
import dev.qdistill.ldpc.SyndromeDecoder;
import dev.qdistill.link.CodeChoice;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the error-correcting codes are chosen for: the options that commands with a pipeline share. */
final class ProfileOptions {
    private enum Name {
        FAST,
        EFFICIENT,
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
            description = "the longest LDPC frame, 4096 or more; default: 65536, for efficient 1048576")
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
        if (!(siftedRate >= 0)) {
            throw new IllegalArgumentException("--sifted-rate is " + siftedRate + "; zero or more is needed");
        }
        CodeChoice choice = switch (profile) {
            case FAST -> CodeChoice.of(Profile.FAST);
            case EFFICIENT -> CodeChoice.of(Profile.EFFICIENT);
            case AUTO -> CodeChoice.keepingUpWith(siftedRate * 1e6, threads, decoder(backend));
        };
        return frameBits == null ? choice : new CodeChoice(choice.profile(), frameBits);
    }

    private static Backend decoder(Backend backend) {
        CodeFamily codes = CodeFamily.shipped();
        String any = codes.codes(codes.frameLengths().getFirst()).getFirst().name();
        try (SyndromeDecoder decoder = SyndromeDecoder.create(codes.code(any), backend.onCpu())) {
            return decoder.backend();
        }
    }
}
