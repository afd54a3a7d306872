package dev.qdistill.keystore;

/**
 * Two secure application entities, which a piece of key is for.
 *
 * @param master the one that asked for the key, at its site
 * @param slave the one that fetches the same key by its id, at the other site
 */
public record SaePair(String master, String slave) {
    /** @throws IllegalArgumentException if a name is empty or has control characters */
    public SaePair {
        for (String name : new String[] {master, slave}) {
            if (name.isEmpty() || name.codePoints().anyMatch(Character::isISOControl)) {
                throw new IllegalArgumentException("An empty name of an application, or one with control characters");
            }
        }
    }
}
