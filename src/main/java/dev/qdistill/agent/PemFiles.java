package dev.qdistill.agent;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Certificates and private keys from PEM files (RFC 7468), as key stores in memory. */
final class PemFiles {
    private static final Pattern KEY =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");
    private static final char[] NO_PASSWORD = new char[0];

    private PemFiles() {}

    /** This side's key and certificates. */
    static KeyStore identity(AgentConfiguration.Tls tls) {
        List<Certificate> chain = certificates(tls.certificate());
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, NO_PASSWORD);
            store.setKeyEntry(
                    "identity",
                    key(tls.key(), chain.getFirst().getPublicKey().getAlgorithm()),
                    NO_PASSWORD,
                    chain.toArray(new Certificate[0]));
            return store;
        } catch (GeneralSecurityException | IOException e) {
            throw new ConfigurationException(
                    tls.certificate() + " and " + tls.key() + " are no certificate and its key: " + e.getMessage());
        }
    }

    /** The authorities. */
    static KeyStore authorities(AgentConfiguration.Tls tls) {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, NO_PASSWORD);
            int number = 0;
            for (Certificate certificate : certificates(tls.authorities())) {
                store.setCertificateEntry("authority" + number++, certificate);
            }
            return store;
        } catch (GeneralSecurityException | IOException e) {
            throw new ConfigurationException(tls.authorities() + ": " + e.getMessage());
        }
    }

    private static List<Certificate> certificates(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            List<Certificate> certificates =
                    new ArrayList<>(CertificateFactory.getInstance("X.509").generateCertificates(in));
            if (certificates.isEmpty()) {
                throw new ConfigurationException(file, 0, 0, "no certificate in it");
            }
            return certificates;
        } catch (NoSuchFileException e) {
            throw new ConfigurationException(file, 0, 0, "no such file");
        } catch (IOException | CertificateException e) {
            throw new ConfigurationException(file, 0, 0, "no PEM file of certificates: " + e.getMessage());
        }
    }

    private static PrivateKey key(Path file, String algorithm) {
        try {
            Matcher m = KEY.matcher(Files.readString(file, StandardCharsets.US_ASCII));
            if (!m.find()) {
                throw new ConfigurationException(
                        file, 0, 0, "no PKCS #8 private key without a password (BEGIN PRIVATE KEY) in it");
            }
            return KeyFactory.getInstance(algorithm)
                    .generatePrivate(
                            new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(m.group(1))));
        } catch (NoSuchFileException e) {
            throw new ConfigurationException(file, 0, 0, "no such file");
        } catch (IOException | GeneralSecurityException e) {
            throw new ConfigurationException(file, 0, 0, "no private key for the certificate: " + e.getMessage());
        }
    }
}
