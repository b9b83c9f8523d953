/**
 * Scheduler, ranking policy, leases and hot swap, gRPC services, impressions.
 *
 * <p>It may use {@code api}, {@code adapters}, {@code engine}, {@code feedback}, {@code store}; never {@code trainer}.
 * It may not wait for training, Kafka or a remote store: an answer never depends on them.
 */
@NullMarked
package dev.flywheel.serving;

import org.jspecify.annotations.NullMarked;
