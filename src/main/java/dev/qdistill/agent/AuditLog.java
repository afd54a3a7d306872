package dev.qdistill.agent;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Who asked for which keys, when, and what came of it: one JSON object a line, appended before the answer is sent. Key
 * ids, never bits. The file is opened for each line, so that it may be renamed at any time to begin a new one.
 */
final class AuditLog {
    private final Path file;
    private final InstantSource clock;

    /** @throws ConfigurationException if the file cannot be written */
    AuditLog(Path file, InstantSource clock) {
        this.file = file;
        this.clock = clock;
        try {
            append("");
        } catch (IOException e) {
            throw new ConfigurationException(file, 0, 0, "the audit log cannot be written: " + e.getMessage());
        }
    }

    /**
     * One request.
     *
     * @param method status, enc_keys or dec_keys
     * @param caller the SAE id, or the certificate's subject if it has none
     * @param peer the other SAE's id
     * @param address of the caller
     * @param status of the answer
     * @param ids of the keys
     * @param problem what was wrong, or nothing
     */
    void request(String method, String caller, String peer, String address, int status, List<UUID> ids, String problem)
            throws IOException {
        ObjectNode line = JsonMapper.shared()
                .createObjectNode()
                .put("time", clock.instant().toString())
                .put("method", method)
                .put("caller", caller)
                .put("peer", peer)
                .put("address", address)
                .put("status", status);
        if (!ids.isEmpty()) {
            ArrayNode array = line.putArray("keys");
            ids.forEach(id -> array.add(id.toString()));
        }
        if (!problem.isEmpty()) {
            line.put("problem", problem);
        }
        append(line + "\n");
    }

    private synchronized void append(String text) throws IOException {
        boolean posix = file.getFileSystem().supportedFileAttributeViews().contains("posix");
        FileAttribute<?>[] mode = posix
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                }
                : new FileAttribute<?>[0];
        try (SeekableByteChannel channel =
                Files.newByteChannel(file, Set.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND), mode)) {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        }
    }
}
