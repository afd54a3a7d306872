package dev.qdistill.agent;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * What a certificate must be to stand for an application: all that is given must be so. That one of the authorities
 * signed it has been checked before.
 *
 * @param subject its subject, RFC 2253
 * @param san one of its alternative names: {@code DNS:…}, {@code URI:…}, {@code email:…} or {@code IP:…}
 * @param sha256 its fingerprint, 64 hexadecimal digits
 */
public record CertificateMatch(Optional<X500Principal> subject, Optional<String> san, Optional<String> sha256) {
    // GeneralName's tags, RFC 5280.
    private static final List<String> SAN_KINDS = List.of("", "email", "DNS", "", "", "", "URI", "IP");

    @JsonCreator(mode = JsonCreator.Mode.PROPERTIES)
    static CertificateMatch of(
            @JsonProperty("subject") @Nullable String subject,
            @JsonProperty("san") @Nullable String san,
            @JsonProperty("sha256") @Nullable String sha256) {
        return new CertificateMatch(
                Optional.ofNullable(subject).map(X500Principal::new),
                Optional.ofNullable(san),
                Optional.ofNullable(sha256).map(text -> text.replace(":", "").toLowerCase(Locale.ROOT)));
    }

    public CertificateMatch {
        AgentConfiguration.require(
                subject.isPresent() || san.isPresent() || sha256.isPresent(),
                "a certificate needs subject, san or sha256");
        AgentConfiguration.require(
                san.isEmpty() || SAN_KINDS.contains(kind(san.get())),
                "san is '" + san.orElse("") + "'; DNS:…, URI:…, email:… or IP:… are possible");
        AgentConfiguration.require(
                sha256.isEmpty() || sha256.get().matches("[0-9a-f]{64}"), "sha256 needs 64 hexadecimal digits");
    }

    boolean matches(X509Certificate certificate) {
        return subject.map(certificate.getSubjectX500Principal()::equals).orElse(true)
                && san.map(name -> hasName(certificate, name)).orElse(true)
                && sha256.map(digits -> digits.equals(fingerprint(certificate))).orElse(true);
    }

    private static boolean hasName(X509Certificate certificate, String name) {
        try {
            Collection<List<?>> names = certificate.getSubjectAlternativeNames();
            return names != null
                    && names.stream()
                            .anyMatch(n -> n.get(0) instanceof Integer kind
                                    && kind < SAN_KINDS.size()
                                    && !SAN_KINDS.get(kind).isEmpty()
                                    && (SAN_KINDS.get(kind) + ":" + n.get(1)).equals(name));
        } catch (CertificateParsingException e) {
            return false;
        }
    }

    private static String kind(String san) {
        int colon = san.indexOf(':');
        return colon < 1 ? "none" : san.substring(0, colon);
    }

    private static String fingerprint(X509Certificate certificate) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
        } catch (CertificateEncodingException | NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
