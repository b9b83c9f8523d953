/**
 * Losses, optimizer, rounds, gate, governor, lineage surgery; the trainer server.
 *
 * <p>It may use {@code api}, {@code adapters}, {@code engine}, {@code feedback}; never {@code store} or {@code serving}.
 * It may not keep state that a round depends on: any trainer must be able to run any round.
 */
@NullMarked
package dev.flywheel.trainer;

import org.jspecify.annotations.NullMarked;
