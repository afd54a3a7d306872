package dev.qdistill.wire;

import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Mutual TLS between the sites: both ends show a certificate. It keeps strangers from spending the pool's pads on wrong tags;
 * the security of the keys does not rest on it.
 *
 * @param certificates this end's certificate and those between it and the authority, PEM
 * @param privateKey its key, PKCS 8, PEM
 * @param authority the certificates that the peer's must come from, PEM
 */
public record Tls(Path certificates, Path privateKey, Path authority) {
    SslContext server() throws IOException {
        requireReadable();
        return GrpcSslContexts.configure(SslContextBuilder.forServer(certificates.toFile(), privateKey.toFile()))
                .trustManager(authority.toFile())
                .clientAuth(ClientAuth.REQUIRE)
                .build();
    }

    SslContext client() throws IOException {
        requireReadable();
        return GrpcSslContexts.forClient()
                .keyManager(certificates.toFile(), privateKey.toFile())
                .trustManager(authority.toFile())
                .build();
    }

    /** Names the file, which the library's messages do not always do. */
    private void requireReadable() throws IOException {
        for (Path file : new Path[] {certificates, privateKey, authority}) {
            if (!Files.isReadable(file)) {
                throw new NoSuchFileException(file.toString(), null, "not there, or not to be read");
            }
        }
    }
}
