package dev.qdistill.security;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * The answer of a bound: how long the secret key of a block may be. Zero is an answer, not an error.
 *
 * @param secretBits length of the secret key, zero or more
 * @param boundName short name of the bound
 * @param boundSource the paper it comes from
 * @param terms every quantity on the way by its name in the paper, in the order of computation; all finite. Those in
 *     the key basis end in {@code Key}, those in the test basis in {@code Test}
 * @param reason why there is no key, as a sentence without a full stop; empty exactly if there is one
 */
public record KeyLength(
        long secretBits,
        String boundName,
        String boundSource,
        SequencedMap<String, Double> terms,
        Optional<String> reason) {
    public KeyLength {
        if (secretBits < 0 || (secretBits == 0) != reason.isPresent()) {
            throw new IllegalArgumentException("A length of " + secretBits + " bits with reason " + reason);
        }
        terms = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(terms));
    }

    /**
     * One of the {@link #terms()}.
     *
     * @throws NoSuchElementException if this bound has none of that name, or did not get that far
     */
    public double term(String name) {
        return Optional.ofNullable(terms.get(name))
                .orElseThrow(() -> new NoSuchElementException("No term " + name + " among " + terms.keySet()));
    }
}
