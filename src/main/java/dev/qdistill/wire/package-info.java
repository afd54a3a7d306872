/** The protocol on the network: messages as protobuf ({@code qdistill.v1}), conversations over a gRPC stream. */
@NullMarked
package dev.qdistill.wire;

import org.jspecify.annotations.NullMarked;
