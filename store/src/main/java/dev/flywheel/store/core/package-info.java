/**
 * The store's rules: what a command may do to the versions at rest, and what follows from each fact.
 *
 * <p>Pure: no I/O, no clock, no randomness, no thread. Time comes in commands, large state through {@link
 * dev.flywheel.store.core.CommitView}. Protobuf messages of the contract are used as the immutable values that they are.
 */
@NullMarked
package dev.flywheel.store.core;

import org.jspecify.annotations.NullMarked;
