package dev.qdistill.agent;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.qdistill.wire.v1.ExitCode;
import dev.qdistill.wire.v1.Problem;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Why a call of a device's failed.
 *
 * @param code as the programs' exit codes
 * @param message one sentence without a full stop, without secrets
 * @param offset of a damaged stream, in bytes, where it is known
 */
public record DeviceProblem(ExitCode code, String message, OptionalLong offset) {
    DeviceProblem(ExitCode code, String message) {
        this(code, message, OptionalLong.empty());
    }

    /** The problem as the status of a call, in its details too. */
    StatusRuntimeException toException(Status.Code status) {
        Problem.Builder detail = Problem.newBuilder().setExitCode(code).setMessage(message);
        offset.ifPresent(detail::setOffset);
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(status.value())
                .setMessage(message)
                .addDetails(Any.pack(detail.build()))
                .build());
    }

    /** What the agent said when a call failed; empty if it said nothing, since it is not there for example. */
    public static Optional<DeviceProblem> of(Throwable failure) {
        com.google.rpc.Status status = StatusProto.fromThrowable(failure);
        if (status == null) {
            return Optional.empty();
        }
        for (Any detail : status.getDetailsList()) {
            if (detail.is(Problem.class)) {
                try {
                    Problem p = detail.unpack(Problem.class);
                    return Optional.of(new DeviceProblem(
                            p.getExitCode(),
                            p.getMessage(),
                            p.hasOffset() ? OptionalLong.of(p.getOffset()) : OptionalLong.empty()));
                } catch (InvalidProtocolBufferException e) {
                    return Optional.empty();
                }
            }
        }
        return Optional.empty();
    }
}
