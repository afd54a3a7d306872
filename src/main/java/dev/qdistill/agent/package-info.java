/**
 * The service at one end of links: keys for applications over HTTPS (ETSI GS QKD 014), metrics, health, and the
 * configuration of it all. Start at {@link dev.qdistill.agent.Agent}; {@code docs/agent.md} is the operator's page.
 */
@NullMarked
package dev.qdistill.agent;

import org.jspecify.annotations.NullMarked;
