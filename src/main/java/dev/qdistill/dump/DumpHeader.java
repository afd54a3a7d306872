package dev.qdistill.dump;

import dev.qdistill.security.Protocol;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * What a dump says about itself before its records. What the format does not say is empty.
 *
 * @param format the file format
 * @param kind what the records are
 * @param role whose they are
 * @param protocol what the source sends
 * @param session the session's id
 * @param link the link and its parameters
 * @param columns the columns beside the bits
 */
public record DumpHeader(
        DumpFormat format,
        DumpKind kind,
        Optional<Role> role,
        Protocol protocol,
        Optional<SessionId> session,
        Optional<LinkParameters> link,
        Set<Column> columns) {
    /** @throws IllegalArgumentException if the parts contradict each other */
    public DumpHeader {
        columns =
                Collections.unmodifiableSet(columns.isEmpty() ? EnumSet.noneOf(Column.class) : EnumSet.copyOf(columns));
        if (kind == DumpKind.FULL_PULSE && role.isPresent() && role.get() == Role.BOB) {
            throw new IllegalArgumentException("Only Alice has a record for every pulse");
        }
        int found = link.map(l -> l.intensities().size()).orElse(protocol.intensities());
        if (found != protocol.intensities()) {
            throw new IllegalArgumentException(
                    "The protocol " + protocol.id() + " has " + protocol.intensities() + " intensities, not " + found);
        }
    }

    /** The header of a QRAW file. */
    public static DumpHeader qraw(DumpKind kind, Role role, Protocol protocol, SessionId session, LinkParameters link) {
        EnumSet<Column> columns = EnumSet.of(Column.PULSE, Column.BASIS);
        if (role == Role.BOB) {
            columns.add(Column.DOUBLE_CLICK);
        } else if (protocol != Protocol.SINGLE_PHOTON) {
            columns.add(Column.INTENSITY);
        }
        return new DumpHeader(
                DumpFormat.QRAW, kind, Optional.of(role), protocol, Optional.of(session), Optional.of(link), columns);
    }

    public boolean has(Column column) {
        return columns.contains(column);
    }
}
