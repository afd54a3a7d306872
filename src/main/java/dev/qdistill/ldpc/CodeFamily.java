package dev.qdistill.ldpc;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.Adler32;
import java.util.zip.CRC32C;

/**
 * The codes that are shipped: for each frame length a row of rates, in steps of a few per cent of the leakage 1 - R. A frame
 * length may have two rows, of which one is designed for {@link Profile#FAST}.
 *
 * <p>One resource per row holds all its codes; a code is unpacked when it is first asked for. Safe to share between threads.
 */
public final class CodeFamily {
    private static final int MAGIC = 'Q' | 'D' << 8 | 'L' << 16 | 'F' << 24;
    private static final int[] LENGTHS = {1 << 12, 1 << 14, 1 << 16, 1 << 17, 1 << 18, 1 << 20};

    /**
     * What is known of a code without unpacking it.
     *
     * @param name unique in the family
     * @param frameBits frame length, bits
     * @param syndromeBits syndrome length, bits
     * @param operatingQber see {@link QuasiCyclicCode#operatingQber}, for {@link Profile#EFFICIENT}
     * @param fastQber the same for {@link Profile#FAST}
     */
    public record Entry(String name, int frameBits, int syndromeBits, double operatingQber, double fastQber) {
        /** See {@link QuasiCyclicCode#operatingQber}. */
        public double operatingQber(Profile profile) {
            return profile == Profile.FAST ? fastQber : operatingQber;
        }

        /** The rate R. */
        public double rate() {
            return 1 - (double) syndromeBits / frameBits;
        }

        /** f at the operating QBER, if every frame is corrected. */
        public double efficiency(Profile profile) {
            return (1 - rate()) / QuasiCyclicCode.binaryEntropy(operatingQber(profile));
        }
    }

    private static final class Shipped {
        static final CodeFamily FAMILY = load();

        static CodeFamily load() {
            List<Part> parts = new ArrayList<>();
            for (int length : LENGTHS) {
                for (Profile profile : Profile.values()) {
                    try (InputStream in = CodeFamily.class.getResourceAsStream(fileName(length, profile))) {
                        if (in != null) {
                            parts.add(Part.read(profile, in.readAllBytes()));
                        }
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            }
            return new CodeFamily(parts);
        }
    }

    // The codes of one frame length designed for one profile, highest rate first, and their packed form.
    private record Part(int frameBits, Profile profile, List<Entry> entries, List<byte[]> packed) {
        static Part read(Profile profile, byte[] file) {
            ByteBuffer b = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
            if (b.getInt() != MAGIC || b.getInt() != 1) {
                throw new CodeFormatException(0, "not a code family of version 1");
            }
            int frameBits = b.getInt();
            int count = b.getInt();
            List<Entry> entries = new ArrayList<>();
            List<byte[]> packed = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                byte[] name = new byte[b.get()];
                b.get(name);
                entries.add(new Entry(
                        new String(name, java.nio.charset.StandardCharsets.US_ASCII),
                        frameBits,
                        b.getInt(),
                        b.getDouble(),
                        b.getDouble()));
                packed.add(new byte[b.getInt()]);
            }
            packed.forEach(b::get);
            return new Part(frameBits, profile, List.copyOf(entries), List.copyOf(packed));
        }
    }

    private final List<Part> parts;
    private final ConcurrentHashMap<String, QuasiCyclicCode> unpacked = new ConcurrentHashMap<>();

    private CodeFamily(List<Part> parts) {
        this.parts = List.copyOf(parts);
    }

    /** The family that comes with qdistill. */
    public static CodeFamily shipped() {
        return Shipped.FAMILY;
    }

    /** The frame lengths there are codes for, in bits, ascending. */
    public List<Integer> frameLengths() {
        return parts.stream().map(Part::frameBits).distinct().toList();
    }

    /**
     * The codes for frames of {@code frameBits} bits, highest rate first: the row designed for the profile, or the other one if
     * there is none; empty if there are none at all.
     */
    public List<Entry> codes(int frameBits, Profile profile) {
        return parts.stream()
                .filter(p -> p.frameBits == frameBits)
                .min(Comparator.comparing(p -> p.profile != profile))
                .map(Part::entries)
                .orElse(List.of());
    }

    /** All codes for frames of {@code frameBits} bits, those of a row together, highest rate first. */
    public List<Entry> codes(int frameBits) {
        return parts.stream()
                .filter(p -> p.frameBits == frameBits)
                .flatMap(p -> p.entries.stream())
                .toList();
    }

    /** The code of the highest rate among those whose operating QBER for the profile is at least {@code qber}. */
    public Optional<QuasiCyclicCode> select(int frameBits, double qber, Profile profile) {
        return codes(frameBits, profile).stream()
                .filter(e -> e.operatingQber(profile) >= qber)
                .findFirst()
                .map(e -> code(e.name));
    }

    /**
     * The code with the given name.
     *
     * @throws NoSuchElementException if there is none
     */
    public QuasiCyclicCode code(String name) {
        return unpacked.computeIfAbsent(name, n -> {
            for (Part p : parts) {
                for (int i = 0; i < p.entries.size(); i++) {
                    if (p.entries.get(i).name.equals(n)) {
                        return CodeFile.read(p.packed.get(i));
                    }
                }
            }
            throw new NoSuchElementException("There is no code '" + n + "'; 'codes list' prints those there are");
        });
    }

    /**
     * Sixteen digits that tell whether both sides have the same codes: two checksums of them all, against other versions, not against
     * a forger.
     */
    public String fingerprint() {
        CRC32C crc = new CRC32C();
        Adler32 adler = new Adler32();
        for (Part part : parts) {
            for (byte[] code : part.packed) {
                crc.update(code);
                adler.update(code);
            }
        }
        return String.format(Locale.ROOT, "%08x%08x", crc.getValue(), adler.getValue());
    }

    /** The name of the resource with the codes of a frame length designed for a profile. */
    static String fileName(int frameBits, Profile designedFor) {
        return "codes-" + frameBits + (designedFor == Profile.FAST ? "-fast" : "") + ".qdlf";
    }

    /** Whether a file has the shipped codes of a frame length designed for a profile, byte for byte. */
    static boolean isShipped(int frameBits, Profile designedFor, Path file) throws IOException {
        try (InputStream in = CodeFamily.class.getResourceAsStream(fileName(frameBits, designedFor))) {
            return in != null && Arrays.equals(in.readAllBytes(), Files.readAllBytes(file));
        }
    }

    /** The profile that a shipped code was designed for. */
    public Profile designedFor(Entry entry) {
        return parts.stream()
                .filter(p -> p.entries.contains(entry))
                .findFirst()
                .orElseThrow(() -> new NoSuchElementException("There is no code '" + entry.name + "'"))
                .profile;
    }

    /** Writes codes of one frame length as the resource that {@link #shipped()} reads. */
    static void write(Path file, List<QuasiCyclicCode> codes) throws IOException {
        List<QuasiCyclicCode> ordered = codes.stream()
                .sorted(Comparator.comparingInt(QuasiCyclicCode::syndromeBits))
                .toList();
        ByteArrayOutputStream blobs = new ByteArrayOutputStream();
        ByteBuffer head = ByteBuffer.allocate(16 + codes.size() * 96).order(ByteOrder.LITTLE_ENDIAN);
        head.putInt(MAGIC).putInt(1).putInt(ordered.getFirst().frameBits()).putInt(ordered.size());
        for (QuasiCyclicCode c : ordered) {
            byte[] blob = CodeFile.write(c);
            byte[] name = c.name().getBytes(java.nio.charset.StandardCharsets.US_ASCII);
            head.put((byte) name.length).put(name);
            head.putInt(c.syndromeBits())
                    .putDouble(c.operatingQber(Profile.EFFICIENT))
                    .putDouble(c.operatingQber(Profile.FAST))
                    .putInt(blob.length);
            blobs.writeBytes(blob);
        }
        byte[] all = new byte[head.position() + blobs.size()];
        head.get(0, all, 0, head.position());
        System.arraycopy(blobs.toByteArray(), 0, all, head.position(), blobs.size());
        Files.write(file, all);
    }
}
